//! `import`: takes the Python program's account, settings and lists along, and prints what was taken.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::backup_restore::list_name;
use super::terminal::replace_harmful;
use super::{Failure, print};
use crate::app::FileUse;
use crate::app::import::{self, Imported, ImportedList, Request};
use crate::clock::Clock;
use crate::config::Environment;
use crate::model::List;
use crate::python_program::DeviceSettings;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The directory of the Python program: config.ini, *.session, data/; stop that program first
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The configuration to write [default: --config or -i, else ./config.toml]
    #[arg(long, value_name = "CONFIG")]
    to: Option<PathBuf>,
    /// Only show what would be imported
    #[arg(long)]
    dry_run: bool,
    /// Leave a list out; can be repeated
    #[arg(long, value_name = "NAME", value_parser = list_name)]
    without: Vec<List>,
    /// The device that the account shows, if it is not "CPython VERSION"
    #[arg(long, value_name = "TEXT")]
    device_model: Option<String>,
    /// The system that the account shows, if it is not "Linux RELEASE" of this machine
    #[arg(long, value_name = "TEXT")]
    system_version: Option<String>,
    /// The app that the account shows, if it is not "Pyrogram VERSION"
    #[arg(long, value_name = "TEXT")]
    app_version: Option<String>,
    /// The language that the account shows, if it is not "en"
    #[arg(long, value_name = "TAG")]
    lang_code: Option<String>,
}

pub(super) fn run(
    config: Option<&Path>,
    environment: &Environment,
    arguments: Arguments,
) -> Result<(), Failure> {
    let to = arguments
        .to
        .or_else(|| config.map(Path::to_owned))
        .unwrap_or_else(|| "config.toml".into());
    let request = Request {
        directory: arguments.directory,
        config: environment.absolute(&to),
        dry_run: arguments.dry_run,
        device: DeviceSettings {
            device_model: arguments.device_model,
            system_version: arguments.system_version,
            app_version: arguments.app_version,
            lang_code: arguments.lang_code,
        },
        without: arguments.without,
    };
    let data_dir = environment.default_data_dir(&request.config);
    super::refuse_other_user(&data_dir, FileUse::Write)?;
    let imported = import::import(&request, environment, &Clock::system())
        .map_err(|error| Failure::new(error.exit_code(), error))?;
    print(&page(&imported, request.dry_run))
}

fn page(imported: &Imported, dry_run: bool) -> String {
    let mut page = String::new();
    let mut line = |text: String| {
        page.push_str(text.trim_end());
        page.push('\n');
    };
    let verb = if dry_run { "would be" } else { "was" };
    line(format!("{:<22} {:<34} from or why not", "what", "taken"));
    let account = imported
        .account
        .map_or_else(String::new, |id| format!("account {id}, "));
    line(format!(
        "{:<22} {:<34} {}",
        "session",
        format!("{account}data centre {}", imported.dc),
        imported.session.display()
    ));
    for setting in &imported.taken {
        line(format!(
            "{:<22} {:<34} {}",
            "setting",
            setting.name,
            replace_harmful(&setting.origin)
        ));
    }
    for setting in &imported.unused {
        let name = replace_harmful(&setting.name);
        line(format!(
            "{:<22} {:<34} not taken: {name}: {}",
            "setting", "-", setting.reason
        ));
    }
    for list in &imported.lists {
        line(format!("{:<22} {}", list.list.as_str(), list_result(list)));
    }
    line(format!("{:<22} {}", "flooded_ids", floods_result(imported)));
    for name in &imported.unused_files {
        let name = replace_harmful(name);
        line(format!(
            "{:<22} {:<34} not taken: the program has no such list",
            format!("data/{name}"),
            "-"
        ));
    }
    let device = &imported.device;
    line(format!(
        "\nThe account will show this device; compare with Settings > Devices before the first run, because a session \
         whose\ndevice changes looks stolen:\n  device_model    {}\n  system_version  {}\n  app_version     {}\n  \
         lang_code       {}",
        device.device_model, device.system_version, device.app_version, device.lang_code
    ));
    line(match imported.newest_join {
        Some(newest) => format!(
            "\nAt the first start the groups are read back to {}, the newest join of the Python program, but at most \
             24 hours\nand 2,000 messages a group: older joins are not found.",
            newest.rfc3339()
        ),
        None => "\nNo join of the Python program was taken, so the groups are not read back at the first start.".into(),
    });
    line(
        "\nThe Python program also had, and this program does not do at all: the fleet's white list, watch lists and \
         scores."
            .into(),
    );
    line(format!(
        "\n{} {verb} written, with the data directory {}.",
        imported.config.display(),
        imported.data_dir.display()
    ));
    if dry_run {
        line("This was a dry run: nothing was written.".into());
        return page;
    }
    let config = imported.config.display();
    let _ = write!(
        page,
        "Next:\n  1. Stop and disable the Python program's service for good: two programs on one key end it.\n  \
         2. If another user runs the program, give it the files: chown -R USER: {config} {}\n  \
         3. scp-079-avatar check --config {config}\n  4. Compare the device above with Settings > Devices.\n  \
         5. scp-079-avatar run --config {config}\n",
        imported.data_dir.display()
    );
    page
}

fn list_result(list: &ImportedList) -> String {
    let taken = match list.entries {
        Some(1) => "1 entry".to_owned(),
        Some(entries) => format!("{entries} entries"),
        None => "-".to_owned(),
    };
    let origin = replace_harmful(&list.origin);
    let why = match list.entries {
        None if list.left_out => "not taken: left out on request".to_owned(),
        None => "not taken: there is no such file".to_owned(),
        Some(_) if list.skipped.is_empty() => origin.to_string(),
        Some(_) => format!("{origin}; not taken: {}", list.skipped),
    };
    format!("{taken:<34} {why}")
}

fn floods_result(imported: &Imported) -> String {
    let mut notes = Vec::new();
    if imported.flooded > 0 {
        notes.push("photos from there wait until CAPTCHA reports the end".to_owned());
    }
    if !imported.skipped_flooded.is_empty() {
        notes.push(format!("not taken: {}", imported.skipped_flooded));
    }
    let taken = format!("{} groups", imported.flooded);
    format!("{taken:<34} {}", notes.join("; "))
}
