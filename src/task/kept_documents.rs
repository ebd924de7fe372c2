//! The documents of an earlier run, which this run must not post again if their files have another format or password, or
//! if Telegram did not confirm that the account is the same.
//!
//! A small file in `settings` shows the format and the password of the documents that `state.db` knows.
//! `Tx::set_account` forgets those of another account. A crash leaves the check to the next start.

use base64ct::{Base64, Encoding as _};
use secrecy::SecretString;

use super::{Database, TaskError};
use crate::config::FileKind;
use crate::file_codec::{EncodeError, Encoder};
use crate::store::{ReadTx, StoreError};

/// The setting that holds the small file.
const SAMPLE: &str = "file_sample";

/// The stored small file; empty if there is none.
pub struct FileSample(Vec<u8>);

impl FileSample {
    /// Reads the small file of the earlier run.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn read(tx: &ReadTx<'_>) -> Result<Self, StoreError> {
        let stored = tx.setting(SAMPLE)?.unwrap_or_default();
        Ok(Self(Base64::decode_vec(&stored).unwrap_or_default()))
    }

    /// Returns true if there was an earlier run that stored it.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        !self.0.is_empty()
    }

    /// Makes the encoder of this run, and reports whether the earlier run had the same format and password.
    ///
    /// # Errors
    /// See [`Encoder::new`].
    pub fn encoder(
        &self,
        kind: FileKind,
        password: &SecretString,
    ) -> Result<(Encoder, bool), EncodeError> {
        Encoder::new_after(kind, password, &self.0)
    }
}

/// Makes the photos wanted again whose files of the earlier run have another format or password, and wait in the spool.
/// The next check of the spool removes these files.
///
/// # Errors
/// See [`TaskError`].
pub async fn forget_spooled_photos(database: &Database) -> Result<(), TaskError> {
    let photos = database.write(|tx| tx.forget_spooled_photos()).await?;
    if photos > 0 {
        tracing::warn!(
            photos,
            "[exchange] files or [encrypt] password was changed; photos that wait are downloaded again"
        );
    }
    Ok(())
}

/// Forgets the documents of the earlier run, and stores a small file of this one.
///
/// # Errors
/// See [`TaskError`].
pub async fn forget_documents(database: &Database, encoder: &Encoder) -> Result<(), TaskError> {
    let sample = encoder.encode_sample().map_err(of_encoder)?;
    database
        .write(|tx| {
            tx.forget_documents()?;
            tx.set_setting(SAMPLE, &Base64::encode_string(&sample))
        })
        .await
}

fn of_encoder(error: EncodeError) -> TaskError {
    match StoreError::of_random_numbers(&error) {
        Some(error) => error.into(),
        None => TaskError::System(format!("a small file cannot be encoded: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::fixture::Fixture;

    #[tokio::test]
    async fn an_earlier_run_is_the_same_only_with_the_same_format_and_password() {
        let password = |text: &str| SecretString::from(text);
        let (first, other) = (password("correct horse"), password("battery staple"));
        let fixture = Fixture::new();
        let mut is_same = Vec::new();
        for (kind, password) in [
            (FileKind::Python, &first),
            (FileKind::Python, &first),
            (FileKind::Python, &other),
            (FileKind::Sealed, &other),
            (FileKind::Sealed, &other),
            (FileKind::Sealed, &first),
        ] {
            let sample = fixture.write(|tx| FileSample::read(tx));
            let (encoder, same) = sample.encoder(kind, password).expect("a key");
            forget_documents(&fixture.database, &encoder)
                .await
                .expect("stored");
            is_same.push(same);
        }
        assert_eq!(is_same, [false, true, false, false, true, false]);
    }
}
