//! The first contact with Telegram: keys are negotiated, an account logs in, and photos come from two data centres.
//!
//! `tests/interop/first_contact.sh` builds the program with the simulator's RSA key in place of Telegram's, and runs
//! this against it. Every scenario has a simulator of its own, and begins with a configuration and no data directory:
//! the program connects to Telegram's own addresses, through a proxy that leads them to the simulator. The exit code is
//! 0 only if all scenarios end as they should.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use rusqlite::Connection;
use telegram_sim::{
    HOME_DC, JoinKind, KeyExchangeFault as Fault, KeyExchangeStep as Step, OTHER_DC, Options,
    PhotoSpec, Simulator, Socks5Proxy, UserSpec, World, bot_api_id,
};
use tempfile::TempDir;

const TIMEOUT: Duration = Duration::from_secs(120);
/// Longer than ten minutes of refused connections at home.
const LONG_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Each data centre with the address that grammers has compiled in, and with another one of Telegram's, which
/// `help.getConfig` names.
const ADDRESSES: [(i32, Ipv4Addr, Ipv4Addr); 2] = [
    (
        HOME_DC,
        Ipv4Addr::new(149, 154, 167, 41),
        Ipv4Addr::new(149, 154, 167, 51),
    ),
    (
        OTHER_DC,
        Ipv4Addr::new(149, 154, 167, 92),
        Ipv4Addr::new(149, 154, 167, 91),
    ),
];
const PORT: u16 = 443;

const PHONE: &str = "+86 138 0013 8000";
const CODE: &str = "27182";
const PASSWORD: &str = "staple battery";

const STEPS: [Step; 3] = [Step::ReqPq, Step::ReqDhParams, Step::SetClientDhParams];

/// Lets the program negotiate keys, log in and forward photos.
#[derive(Debug, Parser)]
struct Arguments {
    /// The program under test, built with the simulator's RSA key
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// The simulator's private RSA key
    #[arg(long, value_name = "FILE")]
    rsa_key: PathBuf,
    /// Only let the home data centre refuse the key until the program ends, which takes ten minutes
    #[arg(long)]
    long: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let stage = Stage {
        rsa_key: fs::read_to_string(&arguments.rsa_key)?,
        binary: arguments.binary,
    };
    if arguments.long {
        stage.home_refuses_the_key_for_ten_minutes()?;
        return Ok(ExitCode::SUCCESS);
    }
    stage.empty_directory_to_photos()?;
    stage.home_refuses_the_key_for_a_while()?;
    stage.home_refuses_the_key_of_a_login_for_a_while()?;
    for step in STEPS {
        stage.login_is_killed(step)?;
        stage.run_is_killed(step)?;
    }
    for step in STEPS {
        for fault in [
            Fault::WrongNonce,
            Fault::Retry,
            Fault::Fail,
            Fault::Cut,
            Fault::LoseReply,
        ] {
            stage.exchange_fails(step, fault)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The facts that all scenarios share.
struct Stage {
    binary: PathBuf,
    rsa_key: String,
}

impl Stage {
    /// Logs in without a data directory, forwards a photo of each data centre, and goes on after the other one forgot
    /// its key.
    fn empty_directory_to_photos(&self) -> anyhow::Result<()> {
        let contact = Contact::new(self)?;
        contact.log_in()?;
        let key = contact.home_key()?;
        let _run = contact.start()?;
        contact.forward(HOME_DC)?;
        contact.forward(OTHER_DC)?;
        let address = contact.address(OTHER_DC)?;
        let named = SocketAddrV4::new(ADDRESSES[1].2, PORT).to_string();
        ensure!(address == named, "the session has {address}");
        contact.sim.forget_keys(OTHER_DC);
        contact.sim.cut_dc(OTHER_DC);
        contact.forward(OTHER_DC)?;
        let negotiated = |dc| contact.sim.read(|world| world.negotiated_keys(dc));
        ensure!(
            negotiated(HOME_DC) == 1,
            "{} keys at home",
            negotiated(HOME_DC)
        );
        ensure!(
            negotiated(OTHER_DC) == 2,
            "{} keys elsewhere",
            negotiated(OTHER_DC)
        );
        ensure!(contact.home_key()? == key, "the home key was changed");
        contact.check()?;
        print(
            "from an empty directory: login, photos of both data centres, and one more after the other one forgot its \
             key",
        )
    }

    /// Refuses the home key until the program has tried several connections, and then knows it again.
    fn home_refuses_the_key_for_a_while(&self) -> anyhow::Result<()> {
        let contact = Contact::new(self)?;
        contact.log_in()?;
        let key = contact.home_key()?;
        let _run = contact.start()?;
        contact.sim.forget_keys(HOME_DC);
        contact.sim.cut_all();
        contact.wait("three refusals", |world| world.transport_errors() >= 3)?;
        ensure!(contact.home_key()? == key, "the home key was changed");
        contact.sim.restore_login();
        contact.forward(HOME_DC)?;
        ensure!(contact.home_key()? == key, "the home key was changed");
        contact.check()?;
        print(
            "a home that refused the key three times: the key is unchanged, and the program goes on",
        )
    }

    /// Refuses the home key until `login` has tried several connections, and then knows it again.
    fn home_refuses_the_key_of_a_login_for_a_while(&self) -> anyhow::Result<()> {
        let contact = Contact::new(self)?;
        contact.log_in()?;
        let key = contact.home_key()?;
        contact.sim.forget_keys(HOME_DC);
        let refused = contact.sim.read(World::transport_errors);
        let login = contact.spawn_login()?;
        contact.wait("three refusals", |world| {
            world.transport_errors() >= refused + 3
        })?;
        contact.sim.restore_login();
        let (code, output) = login.answer()?;
        ensure!(code == Some(0), "{code:?}\n{output}");
        ensure!(output.contains("Already logged in"), "{output}");
        ensure!(contact.home_key()? == key, "the home key was changed");
        contact.check()?;
        print(
            "a home that refused the key of `login` three times: the account is still logged in, and the key unchanged",
        )
    }

    fn home_refuses_the_key_for_ten_minutes(&self) -> anyhow::Result<()> {
        let contact = Contact::new(self)?;
        contact.log_in()?;
        let key = contact.home_key()?;
        let mut run = contact.start()?;
        contact.sim.forget_keys(HOME_DC);
        contact.sim.cut_all();
        let status = run.wait_for_exit(LONG_TIMEOUT)?;
        ensure!(status == Some(77), "{status:?}\n{}", contact.log()?);
        ensure!(contact.home_key()? == key, "the home key was changed");
        print("a home that refused the key for ten minutes: exit code 77, and the key is unchanged")
    }

    /// Kills `login` while the data centre is silent at a step, and logs in again.
    fn login_is_killed(&self, step: Step) -> anyhow::Result<()> {
        let contact = Contact::new(self)?;
        // Each key exchange is preceded by a comparison of the clocks, which is a `req_pq_multi` of its own.
        contact.sim.fault_key_exchange(step, Fault::Silence, 1);
        let login = contact.spawn_login()?;
        contact.wait("the request", |world| {
            world.key_exchange_requests(HOME_DC, step) > 0
        })?;
        drop(login);
        contact.log_in()?;
        let _run = contact.start()?;
        contact.forward(HOME_DC)?;
        contact.check()?;
        print(&format!(
            "login was killed at {step:?}: the next one logged in"
        ))
    }

    /// Kills `run` while the other data centre is silent at a step, and starts it again.
    fn run_is_killed(&self, step: Step) -> anyhow::Result<()> {
        let contact = Contact::new(self)?;
        contact.log_in()?;
        let key = contact.home_key()?;
        let run = contact.start()?;
        contact.sim.fault_key_exchange(step, Fault::Silence, 1);
        let user = contact.join(OTHER_DC);
        contact.wait("the request", |world| {
            world.key_exchange_requests(OTHER_DC, step) > 0
        })?;
        drop(run);
        ensure!(contact.home_key()? == key, "the home key was changed");
        let _run = contact.start()?;
        contact.wait_for_photo(user)?;
        ensure!(contact.home_key()? == key, "the home key was changed");
        contact.check()?;
        print(&format!(
            "run was killed at {step:?} of another data centre: its photo came after the next start"
        ))
    }

    /// Lets an exchange fail once at a step, for `login` and for the other data centre.
    fn exchange_fails(&self, step: Step, fault: Fault) -> anyhow::Result<()> {
        let contact = Contact::new(self)?;
        contact.sim.fault_key_exchange(step, fault, 1);
        let (code, output) = contact.spawn_login()?.answer()?;
        if code == Some(0) {
            ensure!(contact.sim.logged_in(), "{output}");
        } else {
            ensure!(code == Some(69), "{step:?} {fault:?}: {code:?}\n{output}");
            contact.log_in()?;
        }
        let key = contact.home_key()?;
        let _run = contact.start()?;
        contact.sim.fault_key_exchange(step, fault, 1);
        contact.forward(OTHER_DC)?;
        ensure!(contact.home_key()? == key, "the home key was changed");
        contact.check()?;
        print(&format!(
            "{fault:?} at {step:?}: login ended with {}, and the photo of the other data centre came",
            code.unwrap_or(-1)
        ))
    }
}

/// A simulator, and the directory of a program that has contacted it never before.
struct Contact<'s> {
    stage: &'s Stage,
    sim: Simulator,
    hide: i64,
    group: i64,
    directory: TempDir,
    proxy: Socks5Proxy,
}

impl<'s> Contact<'s> {
    fn new(stage: &'s Stage) -> anyhow::Result<Self> {
        let sim = Simulator::start(Options {
            rsa_key: Some(stage.rsa_key.clone()),
            photo_size: (160, 160),
            ..Options::default()
        })?;
        let hide = sim.add_channel("HIDE", true);
        let group = sim.add_group("A group");
        sim.set_login(PHONE, CODE, Some(PASSWORD));
        let proxy = proxy_of(&sim)?;
        let directory = tempfile::tempdir()?;
        let mut config = OpenOptions::new();
        let mut config = config
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(directory.path().join("config.toml"))?;
        write!(
            config,
            "[telegram]\napi_id = 1\napi_hash = \"0123456789abcdef0123456789abcdef\"\n\
             [proxy]\nenabled = true\nport = {}\n\
             [channels]\nhide_channel_id = {}\n",
            proxy.port(),
            bot_api_id(hide)
        )?;
        Ok(Self {
            stage,
            sim,
            hide,
            group,
            directory,
            proxy,
        })
    }

    /// Adds what `run` needs beside the sections that `login` needs.
    fn complete_config(&self) -> anyhow::Result<()> {
        let path = self.directory.path().join("config.toml");
        let text = fs::read_to_string(&path)?;
        if !text.contains("[encrypt]") {
            let rest = "[encrypt]\npassword = \"correct horse\"\n\
                        [delivery]\npace = \"steady\"\nmin_interval_ms = 0\n";
            fs::write(&path, text + rest)?;
        }
        Ok(())
    }

    fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(&self.stage.binary);
        let config = self.directory.path().join("config.toml");
        command
            .arg(subcommand)
            .arg("--config")
            .arg(config)
            .env_clear();
        command
    }

    fn spawn_login(&self) -> anyhow::Result<Process> {
        let mut child = self
            .command("login")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.stage.binary.display()))?;
        let mut input = child.stdin.take().context("a pipe")?;
        // This fails if the login has ended already, and then its exit code says why.
        let _ = write!(input, "{PHONE}\n{CODE}\n{PASSWORD}\n");
        Ok(Process(child))
    }

    fn log_in(&self) -> anyhow::Result<()> {
        let (code, output) = self.spawn_login()?.answer()?;
        ensure!(code == Some(0), "{code:?}\n{output}");
        ensure!(
            output.contains(&format!("(id {}). The session", self.sim.me())),
            "{output}"
        );
        ensure!(self.sim.logged_in(), "{output}");
        Ok(())
    }

    /// Starts `run`, and waits until it watches.
    fn start(&self) -> anyhow::Result<Process> {
        self.complete_config()?;
        let starts = || self.log().unwrap_or_default().matches("watching").count();
        let before = starts();
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        let child = self
            .command("run")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let process = Process(child);
        // The program calls Telegram right after it has logged that it watches.
        self.wait("the start", |_| starts() > before)?;
        Ok(process)
    }

    fn join(&self, dc: i32) -> i64 {
        let spec = UserSpec::new("Eve").photo(PhotoSpec::jpeg().dc(dc));
        let user = self.sim.add_user(spec);
        self.sim.join(self.group, user, JoinKind::ByLink);
        user
    }

    /// Lets a user with a photo in this data centre join, and waits for the photo in HIDE.
    fn forward(&self, dc: i32) -> anyhow::Result<()> {
        let user = self.join(dc);
        self.wait_for_photo(user)
    }

    fn wait_for_photo(&self, user: i64) -> anyhow::Result<()> {
        let named = format!("\"user_id\": {user},");
        self.wait(&format!("the photo of {user}"), |world| {
            let mut posts = world.posts(self.hide).into_iter();
            posts.any(|post| post.text.contains(&named))
        })
    }

    fn wait(&self, event: &str, look: impl Fn(&World) -> bool) -> anyhow::Result<()> {
        match self.sim.wait(|world| look(world).then_some(()), TIMEOUT) {
            Ok(()) => Ok(()),
            Err(error) => anyhow::bail!("{event}: {error}\n{}", self.log().unwrap_or_default()),
        }
    }

    /// Fails if a photo was posted twice, or if the simulator saw a call that it does not know.
    fn check(&self) -> anyhow::Result<()> {
        let mut photos: Vec<String> = self
            .sim
            .posts(self.hide)
            .into_iter()
            .map(|post| post.text)
            .collect();
        photos.retain(|text| text.contains("\"avatar\""));
        let all = photos.len();
        photos.sort();
        photos.dedup();
        ensure!(photos.len() == all, "a photo was posted twice");
        ensure!(
            self.proxy.refused() == 0,
            "the program asked for an address that is none of Telegram's"
        );
        let (relayed, accepted) = (self.proxy.relayed(), self.sim.read(World::accepted));
        ensure!(
            relayed >= accepted,
            "{accepted} connections, {relayed} through the proxy"
        );
        let failures = self.sim.failures();
        ensure!(failures.is_empty(), "{failures:#?}");
        Ok(())
    }

    fn home_key(&self) -> anyhow::Result<Vec<u8>> {
        let sql = "SELECT auth_key FROM dc_option WHERE dc_id = ?1";
        Ok(self
            .session()?
            .query_row(sql, [HOME_DC], |row| row.get(0))?)
    }

    fn address(&self, dc: i32) -> anyhow::Result<String> {
        let sql = "SELECT ipv4 FROM dc_option WHERE dc_id = ?1";
        Ok(self.session()?.query_row(sql, [dc], |row| row.get(0))?)
    }

    fn session(&self) -> anyhow::Result<Connection> {
        let path = self.directory.path().join("data/account.session");
        Ok(Connection::open(path)?)
    }

    fn log_file(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn log(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.log_file())?)
    }
}

/// Starts a proxy that leads Telegram's addresses to the simulator, which names the second one of each data centre.
fn proxy_of(sim: &Simulator) -> anyhow::Result<Socks5Proxy> {
    let mut redirects = BTreeMap::new();
    let mut published = BTreeMap::new();
    for (dc, compiled_in, named) in ADDRESSES {
        let named = SocketAddrV4::new(named, PORT);
        redirects.insert(SocketAddrV4::new(compiled_in, PORT), sim.address(dc));
        redirects.insert(named, sim.address(dc));
        published.insert(dc, named);
    }
    sim.publish_addresses(&published);
    Ok(Socks5Proxy::start_redirecting(redirects)?)
}

/// A process of the program, which is killed when dropped.
struct Process(Child);

impl Process {
    /// Waits for the end of `login`, and returns its exit code and its output.
    fn answer(mut self) -> anyhow::Result<(Option<i32>, String)> {
        let mut output = String::new();
        self.0
            .stdout
            .take()
            .context("a pipe")?
            .read_to_string(&mut output)?;
        self.0
            .stderr
            .take()
            .context("a pipe")?
            .read_to_string(&mut output)?;
        Ok((self.0.wait()?.code(), output))
    }

    /// Waits for the end of `run`, and returns its exit code.
    fn wait_for_exit(&mut self, timeout: Duration) -> anyhow::Result<Option<i32>> {
        const TICK: Duration = Duration::from_millis(500);
        let mut waited = Duration::ZERO;
        while waited < timeout {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status.code());
            }
            std::thread::sleep(TICK);
            waited += TICK;
        }
        anyhow::bail!("the program did not end within {timeout:?}")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if the process is gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn print(line: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "ok    {line}")?;
    Ok(())
}
