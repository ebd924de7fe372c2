//! The installation of the fleet's Python program, as far as `import` takes it along.
//!
//! The module parses `config.ini` (`ini`), turns its values into a configuration of this program (`settings`), and
//! composes the device that Pyrogram shows (`device`). It reads and writes no files. See docs/import.md.

pub mod device;
pub mod ini;
pub mod settings;

pub use self::device::{DeviceParts, DeviceSettings};
pub use self::ini::{Ini, IniError};
pub use self::settings::{Settings, TakenSetting, UnusedSetting};
