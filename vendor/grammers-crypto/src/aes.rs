// Copyright 2020 - developers of the `grammers` project.
//
// Licensed under the Apache License, Version 2.0 <LICENSE-APACHE or
// https://www.apache.org/licenses/LICENSE-2.0> or the MIT license
// <LICENSE-MIT or https://opensource.org/licenses/MIT>, at your
// option. This file may not be copied, modified, or distributed
// except according to those terms.

//! [AES-Infinite Garble Extension](https://mgp25.com/blog/2015/06/21/AESIGE/) implementation.

#![allow(deprecated)] // see https://github.com/RustCrypto/block-ciphers/issues/509

use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
    BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit,
};
use aes::Aes256;

/// A buffer and the two halves of an initialization vector.
struct Ige<'a> {
    buffer: &'a mut [u8],
    iv1: u128,
    iv2: u128,
}

/// Encrypt the input plaintext in-place using the AES-IGE mode.
/// The buffer length must be a multiple of 16.
pub fn ige_encrypt(buffer: &mut [u8], key: &[u8; 32], iv: &[u8; 32]) {
    Aes256::new(key.into()).encrypt_with_backend(Ige::new(buffer, iv));
}

/// Decrypt the input ciphertext in-place using the AES-IGE mode.
/// The buffer length must be a multiple of 16.
pub fn ige_decrypt(buffer: &mut [u8], key: &[u8; 32], iv: &[u8; 32]) {
    Aes256::new(key.into()).decrypt_with_backend(Ige::new(buffer, iv));
}

impl<'a> Ige<'a> {
    fn new(buffer: &'a mut [u8], iv: &[u8; 32]) -> Self {
        assert_eq!(buffer.len() % 16, 0);
        Self {
            buffer,
            iv1: u128::from_ne_bytes(iv[0..16].try_into().unwrap()),
            iv2: u128::from_ne_bytes(iv[16..32].try_into().unwrap()),
        }
    }
}

impl BlockSizeUser for Ige<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Ige<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let (mut previous_ciphertext, mut previous_plaintext) = (self.iv1, self.iv2);
        for block in self.buffer.as_chunks_mut::<16>().0 {
            let plaintext = u128::from_ne_bytes(*block);
            let mut state = (plaintext ^ previous_ciphertext).to_ne_bytes().into();
            backend.encrypt_block_inplace(&mut state);
            let ciphertext = u128::from_ne_bytes(state.into()) ^ previous_plaintext;
            *block = ciphertext.to_ne_bytes();
            (previous_ciphertext, previous_plaintext) = (ciphertext, plaintext);
        }
    }
}

impl BlockCipherDecClosure for Ige<'_> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, backend: &B) {
        let (mut previous_ciphertext, mut previous_plaintext) = (self.iv1, self.iv2);
        for block in self.buffer.as_chunks_mut::<16>().0 {
            let ciphertext = u128::from_ne_bytes(*block);
            let mut state = (ciphertext ^ previous_plaintext).to_ne_bytes().into();
            backend.decrypt_block_inplace(&mut state);
            let plaintext = u128::from_ne_bytes(state.into()) ^ previous_ciphertext;
            *block = plaintext.to_ne_bytes();
            (previous_ciphertext, previous_plaintext) = (ciphertext, plaintext);
        }
    }
}
