//! Arguments and the two ways to run: until told to stop, or for one raid.
//!
//! Standard output carries JSON only, a line at the start and the raid's summary at the end; what happens meanwhile
//! goes to standard error.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use serde_json::json;
use telegram_sim::{HOME_DC, How, OTHER_DC, Options, PhotoSpec, Simulator, UserSpec, bot_api_id};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

mod raid;
mod watch;

/// A Telegram data centre on loopback.
///
/// Starts two data centres on 127.0.0.1 with one account in a few groups and a channel HIDE, writes a session
/// that is logged in there, prints where everything is as one line of JSON, and serves until it is interrupted.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example:\n  telegram-sim --session data/account.session --join-every 5\n  \
                                telegram-sim --session data/account.session --raid 1000 --rate 100"
)]
pub(crate) struct Arguments {
    /// Where to write the session (SQLite, in the layout of grammers' version 1); an old file is replaced
    #[arg(long, value_name = "FILE")]
    session: PathBuf,
    /// Where to write the raw authorization key of the home data centre, 256 bytes
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Where to write the photo of each joiner, as USER_ID.jpg, before it joins
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// Where to write what is posted in HIDE at the end: MESSAGE_ID.json the caption, MESSAGE_ID.bin the file
    #[arg(long, value_name = "DIR")]
    posts: Option<PathBuf>,
    /// How many groups there are
    #[arg(long, value_name = "N", default_value_t = 3)]
    groups: usize,
    /// Width and height of photos
    #[arg(long, value_name = "PIXELS", default_value_t = 640)]
    photo_size: u32,
    /// The share of joiners whose objects in updates are `min`, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    min_share: f64,
    /// The share of joiners whose photo is in the other data centre, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    other_dc_share: f64,
    /// Let somebody join that often
    #[arg(long, value_name = "SECONDS", conflicts_with = "raid")]
    join_every: Option<f64>,
    /// Wait for a client, let that many join, wait for their photos in HIDE, print a summary and end
    #[arg(long, value_name = "N")]
    raid: Option<usize>,
    /// Joins per second of a raid
    #[arg(long, value_name = "R", default_value_t = 50.0)]
    rate: f64,
}

/// The world that the program starts with.
struct Stage {
    sim: Arc<Simulator>,
    hide: i64,
    groups: Vec<i64>,
}

/// Runs as the arguments say; `false` means that a raid did not go well.
pub(crate) fn run(arguments: Arguments) -> Result<bool, Box<dyn Error>> {
    for directory in [&arguments.photos, &arguments.posts].into_iter().flatten() {
        fs::create_dir_all(directory)?;
    }
    let sim = Arc::new(Simulator::start(Options {
        photo_size: (arguments.photo_size, arguments.photo_size),
        keep_bodies: arguments.raid.is_none(),
        ..Options::default()
    })?);
    let stage = Stage {
        hide: sim.add_channel("HIDE", true),
        groups: (1..=arguments.groups.max(1))
            .map(|number| sim.add_group(&format!("Group {number}")))
            .collect(),
        sim,
    };
    stage.sim.write_session(&arguments.session)?;
    if let Some(path) = &arguments.key {
        fs::write(path, stage.sim.key())?;
    }
    print(&stage.description())?;
    let ok = Runtime::new()?.block_on(stage.play(&arguments))?;
    if let Some(directory) = &arguments.posts {
        for post in stage.sim.posts(stage.hide) {
            fs::write(directory.join(format!("{}.json", post.id)), &post.text)?;
            if let Some(file) = post.file {
                fs::write(directory.join(format!("{}.bin", post.id)), file.bytes)?;
            }
        }
    }
    Ok(ok)
}

impl Stage {
    fn description(&self) -> serde_json::Value {
        let groups: Vec<i64> = self.groups.iter().map(|id| bot_api_id(*id)).collect();
        json!({
            "home_dc": HOME_DC,
            "home": self.sim.address(HOME_DC).to_string(),
            "other_dc": OTHER_DC,
            "other": self.sim.address(OTHER_DC).to_string(),
            "user_id": self.sim.me(),
            "hide_channel_id": bot_api_id(self.hide),
            "group_ids": groups,
        })
    }

    async fn play(&self, arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
        let mut terminate = signal(SignalKind::terminate())?;
        let raid = async {
            match arguments.raid {
                Some(joins) => raid::play(self, arguments, joins).await,
                None => self.serve(arguments).await,
            }
        };
        let quiet = arguments.raid.is_some();
        tokio::select! {
            ok = raid => ok,
            () = watch::tell(self), if !quiet => Ok(true),
            _ = tokio::signal::ctrl_c() => Ok(arguments.raid.is_none()),
            _ = terminate.recv() => Ok(arguments.raid.is_none()),
        }
    }

    /// Lets somebody join now and then, for ever.
    async fn serve(&self, arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
        let Some(seconds) = arguments.join_every else {
            return std::future::pending().await;
        };
        let mut ticks = tokio::time::interval(Duration::try_from_secs_f64(seconds)?);
        for number in 0.. {
            ticks.tick().await;
            let user = self.newcomer(arguments, number)?;
            let group = self.groups[number % self.groups.len()];
            let message = self.sim.join(group, user, kind(number));
            say(&format!(
                "join: {user} in {} by {:?}, message {message}",
                bot_api_id(group),
                kind(number)
            ));
        }
        Ok(true)
    }

    /// Adds the user number `number`; its photo is written down if that was asked for.
    fn newcomer(&self, arguments: &Arguments, number: usize) -> io::Result<i64> {
        let dc = if chosen(number, 0.754_877_666, arguments.other_dc_share) {
            OTHER_DC
        } else {
            HOME_DC
        };
        let mut spec = UserSpec::new(format!("Joiner {number}")).photo(PhotoSpec::jpeg().dc(dc));
        if chosen(number, 0.569_840_291, arguments.min_share) {
            spec = spec.min(number.is_multiple_of(2));
        }
        let user = self.sim.add_user(spec);
        if let Some(directory) = &arguments.photos {
            fs::write(
                directory.join(format!("{user}.jpg")),
                self.sim.photo_bytes(user),
            )?;
        }
        Ok(user)
    }
}

/// Chooses a share of the numbers, evenly spread. The two steps in use are those of the R2 sequence, under which the
/// two choices mix.
fn chosen(number: usize, step: f64, share: f64) -> bool {
    (0.5 + number as f64 * step).fract() < share
}

/// The ways of joining, in turn.
fn kind(number: usize) -> How {
    [How::BySelf, How::ByLink, How::ByRequest, How::ViaCommunity][number % 4]
}

fn print(value: &serde_json::Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}

/// Writes a line to standard error; nobody is left to be told if that fails.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
