//! The device that an account shows, composed as Pyrogram composes it.
//!
//! A session whose device changes looks stolen, so the values have to be those that the session was made with.

use super::ini::Ini;

/// The values from the command line, each of which replaces all others.
#[derive(Clone, Debug, Default)]
pub struct DeviceSettings {
    pub device_model: Option<String>,
    pub system_version: Option<String>,
    pub app_version: Option<String>,
    pub lang_code: Option<String>,
}

/// The versions that Pyrogram composes its device from.
#[derive(Clone, Debug, Default)]
pub struct DeviceParts {
    /// `3.7.3`, from the Python environment.
    pub python: Option<String>,
    /// `0.17.1`, from the Python environment.
    pub pyrogram: Option<String>,
    /// `4.19.0-17-amd64`, from this machine.
    pub kernel: Option<String>,
}

/// The device that the configuration gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub device_model: String,
    pub system_version: String,
    pub app_version: String,
    pub lang_code: String,
}

impl Device {
    /// Composes the device: from the command line, else from `[pyrogram]`, else from the versions.
    ///
    /// # Errors
    /// Returns a sentence for each value that is unknown, which names the option.
    pub fn compose(
        given: &DeviceSettings,
        ini: &Ini,
        parts: &DeviceParts,
    ) -> Result<Self, Vec<String>> {
        let mut unknown = Vec::new();
        let mut value = |given: &Option<String>,
                         key: &str,
                         composed: Option<String>,
                         needed: &str| {
            let configured = ini
                .find("pyrogram", key)
                .map(|entry| entry.value.replace("%%", "%"))
                .filter(|value| !value.is_empty() && value != "[DATA EXPUNGED]");
            given.clone().or(configured).or(composed).unwrap_or_else(|| {
                unknown.push(format!(
                    "{key} is unknown, because {needed}; write what the account shows in Settings > Devices with --{}",
                    key.replace('_', "-")
                ));
                String::new()
            })
        };
        let device = Self {
            device_model: value(
                &given.device_model,
                "device_model",
                parts
                    .python
                    .as_ref()
                    .map(|version| format!("CPython {version}")),
                "the directory names no Python environment with a version",
            ),
            system_version: value(
                &given.system_version,
                "system_version",
                parts
                    .kernel
                    .as_ref()
                    .map(|release| format!("Linux {release}")),
                "the release of this machine's kernel cannot be read",
            ),
            app_version: value(
                &given.app_version,
                "app_version",
                parts
                    .pyrogram
                    .as_ref()
                    .map(|version| format!("Pyrogram {version}")),
                "no Pyrogram was found in the Python environment of the directory",
            ),
            lang_code: value(&given.lang_code, "lang_code", Some("en".to_owned()), ""),
        };
        if unknown.is_empty() {
            Ok(device)
        } else {
            Err(unknown)
        }
    }
}

/// Returns the version in a `pyvenv.cfg`: `version`, or `version_info` without its release level.
#[must_use]
pub fn python_version(pyvenv: &str) -> Option<String> {
    let value = |key: &str| {
        pyvenv.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name.trim() == key).then(|| value.trim())
        })
    };
    let text = value("version").or_else(|| value("version_info"))?;
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split('.').take_while(digits).take(3).collect();
    (parts.len() == 3).then(|| parts.join("."))
}

/// Returns the version in the name of an installed package's directory: `Pyrogram-0.17.1.dist-info`.
#[must_use]
pub fn pyrogram_version(directory: &str) -> Option<String> {
    let (name, rest) = directory.split_once('-')?;
    let version = rest.strip_suffix(".dist-info").or_else(|| {
        let version = rest.strip_suffix(".egg-info")?;
        Some(version.split('-').next().unwrap_or(version))
    })?;
    name.eq_ignore_ascii_case("pyrogram")
        .then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> DeviceParts {
        DeviceParts {
            python: Some("3.7.3".into()),
            pyrogram: Some("0.17.1".into()),
            kernel: Some("4.19.0-17-amd64".into()),
        }
    }

    #[test]
    fn the_device_comes_from_the_command_line_then_the_file_then_the_versions() {
        let ini =
            Ini::parse(b"[pyrogram]\ndevice_model = Desk\napp_version = 1.0\n").expect("parsed");
        let given = DeviceSettings {
            app_version: Some("2.0".into()),
            ..DeviceSettings::default()
        };
        let device = Device::compose(&given, &ini, &parts()).expect("complete");
        assert_eq!(device.device_model, "Desk");
        assert_eq!(device.app_version, "2.0");
        assert_eq!(device.system_version, "Linux 4.19.0-17-amd64");
        let plain = Device::compose(&DeviceSettings::default(), &Ini::default(), &parts());
        let plain = plain.expect("complete");
        assert_eq!(plain.device_model, "CPython 3.7.3");
        assert_eq!(plain.app_version, "Pyrogram 0.17.1");
        assert_eq!(plain.lang_code, "en");
    }

    #[test]
    fn an_unknown_version_is_an_error_that_names_the_option() {
        let none = DeviceParts::default();
        let unknown = Device::compose(&DeviceSettings::default(), &Ini::default(), &none);
        let unknown = unknown.expect_err("incomplete").join("\n");
        for option in ["--device-model", "--system-version", "--app-version"] {
            assert!(unknown.contains(option), "{unknown}");
        }
    }

    #[test]
    fn versions_are_read_from_the_environment() {
        let python = |text| python_version(text);
        assert_eq!(
            python("home = /usr\nversion = 3.7.3\n").as_deref(),
            Some("3.7.3")
        );
        assert_eq!(
            python("version_info = 3.8.10.final.0\n").as_deref(),
            Some("3.8.10")
        );
        assert_eq!(python("home = /usr\n"), None);
        let pyrogram = |text| pyrogram_version(text);
        assert_eq!(
            pyrogram("Pyrogram-0.17.1.dist-info").as_deref(),
            Some("0.17.1")
        );
        assert_eq!(
            pyrogram("pyrogram-2.0.106.dist-info").as_deref(),
            Some("2.0.106")
        );
        assert_eq!(
            pyrogram("Pyrogram-0.16.0-py3.7.egg-info").as_deref(),
            Some("0.16.0")
        );
        assert_eq!(pyrogram("pyrogrammers-1.0.dist-info"), None);
    }
}
