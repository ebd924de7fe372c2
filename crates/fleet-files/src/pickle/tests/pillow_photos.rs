//! Photos as Pillow writes them and as this crate writes them.

use sha2::{Digest, Sha256};

use super::*;

const RELEASES: [&str; 2] = ["9", "13"];

fn small() -> RgbPhoto {
    let rgb = (0..2)
        .flat_map(|y| (0..3).flat_map(move |x| [10 * x, 20 * y, 255 - x - y]))
        .collect();
    RgbPhoto::new(3, 2, rgb).unwrap()
}

/// Returns the picture of `make.py` before it was encoded as JPEG.
fn large() -> RgbPhoto {
    let rgb = (0..160_u32)
        .flat_map(|y| (0..160).flat_map(move |x| [x * 3, y * 5, x * y].map(|value| value as u8)))
        .collect();
    RgbPhoto::new(160, 160, rgb).unwrap()
}

#[test]
fn the_photo_of_the_fleet_has_the_pixels_of_its_jpeg() {
    let photo = read_photo(&decrypted("avatar")).unwrap();
    assert_eq!((photo.width(), photo.height()), (160, 160));
    // The SHA-256 of the pixels that Pillow decodes from avatar.jpg.
    let digest: String = Sha256::digest(photo.pixels())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        digest,
        "b55307f2a4a6e60cde3f3ab50b49e31e03ee2a42d2e05bb99d47bf7fbdb6b9b5"
    );
}

#[test]
fn photos_of_every_release_of_pillow_are_read() {
    for release in RELEASES {
        for protocol in 3..6 {
            for origin in ["created", "opened"] {
                let name = format!("photos/{origin}_{protocol}_pillow_{release}.pickle");
                assert_eq!(read_photo(&fixture(&name)).unwrap(), small(), "{name}");
            }
        }
        let pickle = decrypted(&format!("photos/opened_pillow_{release}"));
        assert_eq!(read_photo(&pickle).unwrap(), small());
    }
}

#[test]
fn photos_of_the_oldest_protocols_are_refused_by_the_function_they_call() {
    for release in RELEASES {
        for (protocol, expected) in [
            (0, "copy_reg._reconstructor"),
            (1, "copy_reg._reconstructor"),
            (2, "_codecs.encode"),
        ] {
            let pickle = fixture(&format!(
                "photos/created_{protocol}_pillow_{release}.pickle"
            ));
            let name = expected.to_owned();
            assert_eq!(read_photo(&pickle), Err(PickleError::Refused { name }));
        }
    }
}

#[test]
fn a_photo_of_another_mode_is_refused() {
    for (name, reason) in [
        ("grey", "the mode is not RGB"),
        ("palette", "the mode is not RGB"),
    ] {
        for release in RELEASES {
            let pickle = fixture(&format!("photos/{name}_4_pillow_{release}.pickle"));
            assert_eq!(read_photo(&pickle), Err(PickleError::NotAPhoto(reason)));
        }
    }
}

#[test]
fn a_photo_inside_of_data_is_refused_by_its_class() {
    for release in RELEASES {
        let pickle = fixture(&format!("photos/among_data_4_pillow_{release}.pickle"));
        let name = "PIL.Image.Image".to_owned();
        assert_eq!(read(&pickle), Err(PickleError::Refused { name }));
    }
}

#[test]
fn written_photos_read_back_and_are_the_ones_that_python_opens() {
    for (name, photo) in [("small", small()), ("large", large())] {
        let pickle = write_photo(&photo);
        assert_eq!(read_photo(&pickle).unwrap(), photo);
        assert_eq!(decrypted(&format!("ours/photo_{name}")), pickle, "{name}");
    }
}

#[test]
fn pixels_have_to_fill_their_size() {
    for (width, height, pixels) in [
        (0, 0, 0),
        (2, 0, 0),
        (1, 1, 2),
        (1, 1, 4),
        (u32::MAX, u32::MAX, 3),
    ] {
        let error = RgbPhoto::new(width, height, vec![0; pixels]).unwrap_err();
        assert!(matches!(error, PickleError::NotAPhoto(_)), "{error}");
    }
}
