//! `login --qr` on a terminal of 80 columns: the drawn blocks are read as a picture, and decoded as a camera does.

use rqrr::PreparedImage;

use super::scene;
use crate::harness::{COLUMNS, Scene, Terminal};

/// The pixels of a module.
const SCALE: usize = 4;

const LINK: &str = "tg://login?token=";

/// Logs in with the code that the terminal shows, and returns what the terminal showed.
fn scan(scene: &Scene) -> String {
    let mut command = scene.command("login");
    let mut terminal = Terminal::run(command.arg("--qr"));
    let mut shown = terminal.read_to(LINK);
    shown += &terminal.read_to("\n");
    scene
        .sim
        .scan_login_token(&decoded(&shown))
        .expect("a valid token");
    let ended = terminal.finish();
    shown += &ended.output;
    assert_eq!(ended.code, Some(0), "{shown}");
    assert!(scene.sim.logged_in());
    shown
}

/// Decodes the code that a terminal shows.
fn decoded(shown: &str) -> String {
    let rows: Vec<Vec<char>> = lines_of(shown)
        .filter(|line| is_drawn(line))
        .map(|line| line.chars().collect())
        .collect();
    let width = rows.first().expect("a drawing").len();
    assert!(rows.iter().all(|row| row.len() == width));
    assert!(width <= usize::from(COLUMNS), "{shown}");
    let is_light = |x: usize, y: usize| {
        let (x, y) = (x / SCALE, y / SCALE);
        match rows[y / 2][x] {
            '█' => true,
            '▀' => y.is_multiple_of(2),
            '▄' => !y.is_multiple_of(2),
            ' ' => false,
            other => panic!("{other:?} is not a block"),
        }
    };
    let (width, height) = (width * SCALE, rows.len() * 2 * SCALE);
    let luma = |x, y| if is_light(x, y) { 255 } else { 0 };
    let mut image = PreparedImage::prepare_from_greyscale(width, height, luma);
    let codes = image.detect_grids();
    assert_eq!(codes.len(), 1, "{shown}");
    let (_, text) = codes[0].decode().expect("a code");
    text
}

/// Returns the lines without the colours, which have to be black and white on each line of the drawing.
fn lines_of(shown: &str) -> impl Iterator<Item = &str> {
    shown.lines().map(|line| {
        let coloured = line.strip_prefix("\x1b[97;40m");
        let drawing = coloured.and_then(|line| line.strip_suffix("\x1b[0m"));
        drawing.unwrap_or(line)
    })
}

fn is_drawn(line: &str) -> bool {
    line.starts_with(['█', '▀'])
}

/// Returns the lines of a terminal, with the same text for what differs between two logins.
fn without_variables(shown: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in lines_of(shown) {
        let line = if is_drawn(line) {
            "(the code)".to_owned()
        } else if line.starts_with(LINK) {
            "(the link)".to_owned()
        } else {
            let words = line.split(' ').map(|word| match word {
                word if word.contains("/account.session") => "PATH",
                word => word,
            });
            words.collect::<Vec<_>>().join(" ")
        };
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    lines
}

#[test]
fn another_device_scans_the_code_from_a_terminal() {
    let scene = scene(None);
    let shown = scan(&scene);
    let link = lines_of(&shown).find(|line| line.starts_with(LINK));
    let link = link.expect("a link");
    assert_eq!(decoded(&shown), link);
    assert!(link.len() < usize::from(COLUMNS), "{link}");
}

#[test]
fn the_documentation_shows_what_a_terminal_shows() {
    let page = include_str!("../../../docs/login.md");
    let capture = page
        .split("```")
        .find_map(|block| block.strip_prefix("console\n$ scp-079-avatar login --qr\n"))
        .unwrap_or_default();
    let scene = scene(None);
    let shown = scan(&scene);
    assert_eq!(
        without_variables(capture),
        without_variables(&shown),
        "a capture for docs/login.md:\n{shown}"
    );
    let link = lines_of(capture).find(|line| line.starts_with(LINK));
    assert_eq!(Some(&*decoded(capture)), link);
}
