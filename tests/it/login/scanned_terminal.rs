//! `login --qr` on a terminal of 80 columns and 24 lines: the drawn blocks that it shows are read as a picture, and
//! decoded as a camera does.

use telegram_sim::read_qr_codes;

use super::scene;
use crate::harness::{COLUMNS, LINES, Scene, Terminal, assert_in_order};

/// The pixels of a module.
const SCALE: usize = 4;

const LINK: &str = "tg://login?token=";

/// The beginning of the last line of a drawing, whose lower row of modules is left out.
const LAST_LINE: &str = "\x1b[97;40m▀";

/// Logs in with the code that the terminal shows, and returns what the terminal showed.
fn scan(scene: &Scene) -> String {
    let mut command = scene.command("login");
    let mut terminal = Terminal::run(command.arg("--qr"));
    let mut shown = terminal.read_to(LAST_LINE);
    shown += &terminal.read_to("\n");
    scene
        .sim
        .scan_login_token(&decoded(&screen_of(&shown)))
        .expect("a valid token");
    let ended = terminal.finish();
    shown += &ended.output;
    assert_eq!(ended.code, Some(0), "{shown}");
    assert!(scene.sim.logged_in());
    shown
}

/// Returns the lines that are on the screen when the cursor is below this output.
fn screen_of(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let first_on_screen = (lines.len() + 1).saturating_sub(usize::from(LINES));
    lines[first_on_screen..].join("\n")
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
    let mut codes = read_qr_codes(width, height, luma);
    assert_eq!(codes.len(), 1, "{shown}");
    codes.remove(0)
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
fn the_whole_code_is_on_the_screen_and_no_line_before_it_wraps() {
    let scene = scene(None);
    let shown = scan(&scene);
    let end = shown.find(LAST_LINE).expect("a drawing");
    let columns = lines_of(&shown[..end]).map(|line| line.chars().count());
    assert!(columns.max() <= Some(usize::from(COLUMNS)), "{shown}");
    let screen = screen_of(&shown[..end]);
    let is_quiet = |line: &str| line.chars().all(|c| c == '█');
    let quiet = lines_of(&screen).filter(|line| is_drawn(line) && is_quiet(line));
    // Two above the code and one below it, and the last line of the drawing.
    assert_eq!(quiet.count(), 3, "{screen}");
}

#[test]
fn a_terminal_that_is_too_small_for_the_code_shows_the_link() {
    for (lines, columns) in [(24, 36), (19, 80)] {
        let scene = scene(None);
        let mut command = scene.command("login");
        let mut terminal = Terminal::run_in(command.arg("--qr"), lines, columns);
        let mut shown = terminal.read_to("enlarge the terminal.");
        let link = lines_of(&shown).find(|line| line.starts_with(LINK));
        let link = link.expect("a link").to_owned();
        scene.sim.scan_login_token(&link).expect("a valid token");
        let ended = terminal.finish();
        shown += &ended.output;
        assert_eq!(ended.code, Some(0), "{shown}");
        let size = format!("{columns} columns and {lines} lines; it needs");
        let needed = "37 columns and 20 lines.";
        assert_in_order(&shown, &[&link, "too small", &size, needed, "Logged in"]);
        assert!(!lines_of(&shown).any(is_drawn), "{shown}");
    }
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
