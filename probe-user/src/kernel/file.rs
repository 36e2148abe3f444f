//! Paths of files, as the programs put them together.

use std::mem::offset_of;

use probe_ebpf::file::FilePath;

/// A [`FilePath`]'s bytes as a path: the names turn round. A file without any is a nameless pipe. `None`
/// when they are none.
#[must_use]
pub fn path(bytes: &[u8]) -> Option<String> {
    let array = |at: usize| bytes.get(at..);
    let length = array(offset_of!(FilePath, length))?.first_chunk().copied();
    let length = usize::from(u16::from_ne_bytes(length?));
    let names = array(offset_of!(FilePath, names))?.get(..length)?;
    let cut = *bytes.get(offset_of!(FilePath, cut))? != 0;
    let inode = array(offset_of!(FilePath, inode))?.first_chunk().copied();
    Some(written(names, cut, u64::from_ne_bytes(inode?)))
}

/// The same, of what is one.
#[must_use]
pub fn of(path: &FilePath) -> String {
    let length = usize::from(path.length).min(path.names.len());
    written(&path.names[..length], path.cut != 0, path.inode)
}

fn written(names: &[u8], cut: bool, inode: u64) -> String {
    if names.is_empty() {
        return format!("pipe:[{inode}]");
    }
    let mut path = String::new();
    if cut {
        path.push('…');
    }
    // Each ends with a zero.
    let names = names.strip_suffix(&[0]).unwrap_or(names);
    for name in names.rsplit(|byte| *byte == 0) {
        path.push('/');
        path.push_str(&String::from_utf8_lossy(name));
    }
    path
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use probe_ebpf::file::NAMES_LEN;
    use proptest::prelude::*;

    use super::*;

    fn bytes(names: &[u8], cut: u8) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<FilePath>()];
        bytes[..8].copy_from_slice(&7_u64.to_ne_bytes());
        let length = u16::try_from(names.len()).unwrap();
        bytes[offset_of!(FilePath, length)..][..2].copy_from_slice(&length.to_ne_bytes());
        bytes[offset_of!(FilePath, cut)] = cut;
        bytes[offset_of!(FilePath, names)..][..names.len()].copy_from_slice(names);
        bytes
    }

    #[test]
    fn names_from_the_file_up_are_a_path() {
        let check = |names: &[u8], cut, expected: &str| {
            assert_eq!(path(&bytes(names, cut)).as_deref(), Some(expected));
        };
        check(b"hosts\0etc\0", 0, "/etc/hosts");
        check(b"hosts\0", 0, "/hosts");
        check(b"leaf\0deep\0", 1, "…/deep/leaf");
        check(b"", 0, "pipe:[7]");
        check(b"\xff\0tmp\0", 0, "/tmp/\u{fffd}");
        assert_eq!(path(&bytes(b"x\0", 0)[..10]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_path_or_none(bytes in prop::collection::vec(any::<u8>(), 0..NAMES_LEN + 40)) {
            let _ = path(&bytes);
        }
    }
}
