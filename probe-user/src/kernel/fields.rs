//! Where the running kernel keeps the fields that the programs read.

use std::fs;

use probe_ebpf::field::{FIELDS, Field};

use super::{btf::Btf, error::LoadError};

/// Where the kernel describes itself.
pub(super) const VMLINUX_BTF: &str = "/sys/kernel/btf/vmlinux";

/// The fields, found or not.
pub(super) struct Fields {
    /// Of those the kernel has, the global that takes the byte offset, and that.
    pub(super) offsets: Vec<(&'static str, u32)>,
    /// The others, each with what is wrong.
    pub(super) missing: Vec<(Field, String)>,
}

/// Looks all of them up. The kernel's BTF, megabytes of it, is gone when this returns.
pub(super) fn find() -> Result<Fields, LoadError> {
    let blob = fs::read(VMLINUX_BTF).map_err(LoadError::NoBtf)?;
    let btf = Btf::parse(&blob).map_err(LoadError::BadBtf)?;
    let mut found = Fields {
        offsets: Vec::with_capacity(FIELDS.len()),
        missing: Vec::new(),
    };
    for field in FIELDS {
        match offset(&btf, field) {
            Ok(offset) => found.offsets.push((field.symbol, offset)),
            Err(reason) => found.missing.push((*field, reason)),
        }
    }
    Ok(found)
}

/// A field's byte offset, when the kernel has it in the size the programs read.
fn offset(btf: &Btf<'_>, field: &Field) -> Result<u32, String> {
    let place = btf
        .place(field.structure, field.member)
        .map_err(|error| error.to_string())?;
    if place.size as usize != field.size {
        return Err(format!(
            "this kernel's {}.{} has {} bytes, not {}",
            field.structure, field.member, place.size, field.size
        ));
    }
    Ok(place.offset)
}
