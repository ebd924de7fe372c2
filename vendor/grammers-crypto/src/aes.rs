// Copyright 2020 - developers of the `grammers` project.
//
// Licensed under the Apache License, Version 2.0 <LICENSE-APACHE or
// https://www.apache.org/licenses/LICENSE-2.0> or the MIT license
// <LICENSE-MIT or https://opensource.org/licenses/MIT>, at your
// option. This file may not be copied, modified, or distributed
// except according to those terms.

//! [AES-Infinite Garble Extension](https://mgp25.com/blog/2015/06/21/AESIGE/) implementation.

#![allow(deprecated)] // see https://github.com/RustCrypto/block-ciphers/issues/509

use std::mem;

use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
    BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit,
};
use aes::Aes256;

/// A buffer and the two halves of an initialization vector.
struct Ige<'a> {
    buffer: &'a mut [u8],
    iv1: [u8; 16],
    iv2: [u8; 16],
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
            iv1: iv[0..16].try_into().unwrap(),
            iv2: iv[16..32].try_into().unwrap(),
        }
    }
}

impl BlockSizeUser for Ige<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Ige<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let (mut iv1, mut iv2) = (self.iv1, self.iv2);
        let mut next_iv2 = [0u8; 16];

        for block in self.buffer.chunks_exact_mut(16) {
            // next iv2 = block (plaintext)
            next_iv2.copy_from_slice(block);

            // block (plaintext) XOR iv1 (previous ciphertext)
            for i in 0..16 {
                block[i] ^= iv1[i]
            }

            backend.encrypt_block_inplace(block.try_into().unwrap());

            // block (ciphertext) XOR iv2 (previous plaintext)
            for i in 0..16 {
                block[i] ^= iv2[i]
            }

            // iv1 = block (ciphertext)
            iv1.copy_from_slice(block);

            // iv2 = next iv2 (plaintext)
            mem::swap(&mut iv2, &mut next_iv2);
        }
    }
}

impl BlockCipherDecClosure for Ige<'_> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, backend: &B) {
        let (mut iv1, mut iv2) = (self.iv1, self.iv2);
        let mut next_iv1 = [0u8; 16];

        for block in self.buffer.chunks_exact_mut(16) {
            // next iv1 = block (ciphertext)
            next_iv1.copy_from_slice(block);

            // block (ciphertext) XOR iv2 (previous plaintext)
            for i in 0..16 {
                block[i] ^= iv2[i]
            }

            backend.decrypt_block_inplace(block.try_into().unwrap());

            // block (plaintext) XOR iv1 (previous ciphertext)
            for i in 0..16 {
                block[i] ^= iv1[i]
            }

            // iv1 = next iv1 (ciphertext)
            mem::swap(&mut iv1, &mut next_iv1);

            // iv2 = block (plaintext)
            iv2.copy_from_slice(block);
        }
    }
}
