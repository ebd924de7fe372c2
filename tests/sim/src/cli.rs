//! The command line and its two modes: serve until interrupted, or run one raid.
//!
//! Standard output carries JSON only, one line at the start and the summary of the raid at the end. Events are logged to
//! standard error.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use serde_json::json;
use telegram_sim::{
    FloodLimit, HOME_DC, JoinKind, OTHER_DC, Options, PhotoSpec, Simulator, UserSpec, bot_api_id,
};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

mod raid;
mod version_asks;
mod watch;

/// A Telegram data centre on loopback.
///
/// Starts two data centres on 127.0.0.1 with one account in a few groups and a channel HIDE, writes a session
/// that is logged in there, prints addresses and ids as one line of JSON, and serves until it is interrupted.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example:\n  telegram-sim --session data/account.session --join-every 5\n  \
                                telegram-sim --session data/account.session --raid 1000 --rate 100"
)]
pub(crate) struct Arguments {
    /// Write the session to this file (SQLite, version 1 of grammers' layout); an existing file is replaced
    #[arg(long, value_name = "FILE")]
    session: PathBuf,
    /// Write the authorization key of the home data centre to this file, 256 raw bytes
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Read the private RSA key of the server from this file, PEM; otherwise one is made when it is first needed
    #[arg(long, value_name = "FILE")]
    rsa_key: Option<PathBuf>,
    /// Write the public RSA key to this file, PEM; the first line of output has its fingerprint and modulus
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Let the account log in by this phone number, code and two-step password
    #[arg(long, num_args = 3, value_names = ["PHONE", "CODE", "PASSWORD"])]
    login: Vec<String>,
    /// Write the photo of each joiner to this directory as USER_ID.jpg, before the user joins
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// Write the posts in HIDE to this directory at the end: captions as MESSAGE_ID.json, files as MESSAGE_ID.bin
    #[arg(long, value_name = "DIR")]
    posts: Option<PathBuf>,
    /// Number of groups
    #[arg(long, value_name = "N", default_value_t = 3)]
    groups: usize,
    /// Width and height of photos
    #[arg(long, value_name = "PIXELS", default_value_t = 640)]
    photo_size: u32,
    /// Share of joiners whose objects in updates are `min`, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.9)]
    min_share: f64,
    /// Share of joiners whose photo is in the other data centre, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    other_dc_share: f64,
    /// The longest delay of a push in seconds; 0 gives pushes at once and in their order
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0)]
    latest_push: f64,
    /// Calls of messages.getDialogs in any 20 seconds beyond which the calls are refused; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 5)]
    dialog_calls: usize,
    /// Let a user join every SECONDS
    #[arg(long, value_name = "SECONDS", conflicts_with = "raid")]
    join_every: Option<f64>,
    /// Wait for a client, let N users join, wait for their photos in HIDE, print a summary and exit
    #[arg(long, value_name = "N")]
    raid: Option<usize>,
    /// Joins per second of a raid
    #[arg(long, value_name = "R", default_value_t = 50.0)]
    rate: f64,
    /// Seconds between the first connection and the first join of a raid
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    raid_delay: f64,
    /// Ask for the version in HIDE every SECONDS of a raid, and wait for the answers
    #[arg(long, value_name = "SECONDS", requires = "raid")]
    ask_every: Option<f64>,
}

/// The simulator with the chats that the program makes.
struct Stage {
    sim: Arc<Simulator>,
    hide: i64,
    groups: Vec<i64>,
}

/// Runs the simulator as the arguments say. Returns false if a raid lost, repeated or garbled photos.
pub(crate) fn run(arguments: Arguments) -> Result<bool, Box<dyn Error>> {
    for directory in [&arguments.photos, &arguments.posts].into_iter().flatten() {
        fs::create_dir_all(directory)?;
    }
    let rsa_key = arguments.rsa_key.as_ref().map(fs::read_to_string);
    let sim = Arc::new(Simulator::start(Options {
        rsa_key: rsa_key.transpose()?,
        photo_size: (arguments.photo_size, arguments.photo_size),
        keep_bodies: arguments.raid.is_none(),
        latest_push: Duration::try_from_secs_f64(arguments.latest_push)?,
        flood_limits: flood_limits(arguments.dialog_calls),
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
    if let [phone, code, password] = arguments.login.as_slice() {
        stage.sim.set_login(phone, code, Some(password));
    }
    if let Some(path) = &arguments.key {
        fs::write(path, stage.sim.key())?;
    }
    let mut description = stage.description();
    if let Some(path) = &arguments.public_key {
        let key = stage.sim.public_key()?;
        fs::write(path, key.pem)?;
        description["rsa_fingerprint"] = json!(key.fingerprint);
        description["rsa_modulus"] = json!(key.modulus);
    }
    print(&description)?;
    let ok = Runtime::new()?.block_on(stage.run(&arguments))?;
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

    async fn run(&self, arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
        let mut terminate = signal(SignalKind::terminate())?;
        let raid = async {
            match arguments.raid {
                Some(joins) => raid::run(self, arguments, joins).await,
                None => self.serve(arguments).await,
            }
        };
        let quiet = arguments.raid.is_some();
        tokio::select! {
            ok = raid => ok,
            () = watch::log_events(self), if !quiet => Ok(true),
            _ = tokio::signal::ctrl_c() => Ok(arguments.raid.is_none()),
            _ = terminate.recv() => Ok(arguments.raid.is_none()),
        }
    }

    /// Lets a user join at the configured interval, without end.
    async fn serve(&self, arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
        let Some(seconds) = arguments.join_every else {
            return std::future::pending().await;
        };
        let mut ticks = tokio::time::interval(Duration::try_from_secs_f64(seconds)?);
        for number in 0.. {
            ticks.tick().await;
            let user = self.add_joiner(arguments, number)?;
            let group = self.groups[number % self.groups.len()];
            let message = self.sim.join(group, user, join_kind(number));
            log(&format!(
                "join: {user} in {} by {:?}, message {message}",
                bot_api_id(group),
                join_kind(number)
            ));
        }
        Ok(true)
    }

    /// Adds the joiner with this number, and writes the photo to the `--photos` directory.
    fn add_joiner(&self, arguments: &Arguments, number: usize) -> io::Result<i64> {
        let dc = if is_chosen(number, 0.754_877_666, arguments.other_dc_share) {
            OTHER_DC
        } else {
            HOME_DC
        };
        let mut spec = UserSpec::new(format!("Joiner {number}")).photo(PhotoSpec::jpeg().dc(dc));
        if is_chosen(number, 0.569_840_291, arguments.min_share) {
            spec = spec.min(number.is_multiple_of(2));
        } else {
            spec = spec.full();
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

/// Returns true for an evenly spread share of the numbers. The two steps in use are those of the R2 sequence, so that the
/// two choices are independent.
fn is_chosen(number: usize, step: f64, share: f64) -> bool {
    (0.5 + number as f64 * step).fract() < share
}

/// Returns the kinds of joins in turn.
fn join_kind(number: usize) -> JoinKind {
    [
        JoinKind::BySelf,
        JoinKind::ByLink,
        JoinKind::ByRequest,
        JoinKind::ViaCommunity,
    ][number % 4]
}

/// Returns the default limits, with another one on the lists of dialogs, or none on them if no call is allowed.
fn flood_limits(dialog_calls: usize) -> Vec<FloodLimit> {
    let mut limits = Options::default().flood_limits;
    for limit in &mut limits {
        if limit.method == "messages.getDialogs" {
            limit.calls = dialog_calls;
        }
    }
    limits.retain(|limit| limit.calls > 0);
    limits
}

fn print(value: &serde_json::Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}

/// Writes a line to standard error. An error is ignored because there is no other place to report it.
pub(crate) fn log(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
