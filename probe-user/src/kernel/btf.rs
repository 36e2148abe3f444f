//! Where the running kernel keeps a struct's members, from its BTF.
//!
//! Only what that question needs: structs, unions and the types that lead to them. The format is
//! described in the kernel's `Documentation/bpf/btf.rst`. aya has a parser too, but keeps struct
//! members to itself.

use std::{collections::HashMap, ops::Range};

use thiserror::Error;

/// Why a BTF blob or a member in it could not be made sense of.
#[derive(Debug, Error)]
pub enum BtfError {
    /// Not BTF, or not of this machine's byte order.
    #[error("not BTF: it begins with {magic:#06x} instead of 0xeb9f")]
    Magic {
        /// The first two bytes.
        magic: u16,
    },
    /// The blob ends within what it announces.
    #[error("BTF ends early, at byte {at}")]
    Truncated {
        /// Where more was expected.
        at: usize,
    },
    /// A kind from a newer kernel: its length is not known, so nothing behind it can be read.
    #[error("BTF type {id} is of kind {kind}, which is not known")]
    Kind {
        /// The type's id.
        id: usize,
        /// Its kind.
        kind: u32,
    },
    /// The kernel has no such struct.
    #[error("this kernel has no struct {0}")]
    NoStruct(String),
    /// The struct has no such member.
    #[error("this kernel's struct {structure} has no member {member}")]
    NoMember {
        /// The struct.
        structure: String,
        /// The member that was not found.
        member: String,
    },
}

/// A member's place in its struct.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Bytes from the struct's start.
    pub offset: u32,
    /// Bytes it takes.
    pub size: u32,
}

// `BTF_KIND_*` of include/uapi/linux/btf.h.
const INT: u32 = 1;
const PTR: u32 = 2;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const TYPEDEF: u32 = 8;
const VOLATILE: u32 = 9;
const CONST: u32 = 10;
const RESTRICT: u32 = 11;
const FUNC_PROTO: u32 = 13;
const VAR: u32 = 14;
const DATASEC: u32 = 15;
const FLOAT: u32 = 16;
const DECL_TAG: u32 = 17;
const TYPE_TAG: u32 = 18;
const ENUM64: u32 = 19;

/// Types may refer to each other in circles only through pointers, so this is never reached by a
/// sound blob.
const MAX_DEPTH: u32 = 32;

/// A parsed BTF blob.
#[derive(Debug)]
pub struct Btf<'a> {
    blob: &'a [u8],
    strings: Range<usize>,
    /// Where each type starts, by id; id 0 is `void`.
    types: Vec<usize>,
    structs: HashMap<&'a str, u32>,
}

struct Type {
    name: u32,
    kind: u32,
    /// Number of members, variants or parameters.
    len: usize,
    /// With `kind_flag`, a member's upper eight offset bits are its width as a bit field.
    kind_flag: bool,
    /// The type's size or the type it refers to.
    size_or_type: u32,
}

impl<'a> Btf<'a> {
    /// Indexes a blob, `/sys/kernel/btf/vmlinux` say.
    pub fn parse(blob: &'a [u8]) -> Result<Self, BtfError> {
        let magic = u16::from_ne_bytes([byte(blob, 0)?, byte(blob, 1)?]);
        if magic != 0xeb9f {
            return Err(BtfError::Magic { magic });
        }
        let header = word(blob, 4)? as usize;
        let section = |at| -> Result<Range<usize>, BtfError> {
            let start = header + word(blob, at)? as usize;
            Ok(start..start + word(blob, at + 4)? as usize)
        };
        let (types, strings) = (section(8)?, section(16)?);
        let mut btf = Self {
            blob,
            strings,
            types: vec![0],
            structs: HashMap::new(),
        };
        let mut at = types.start;
        while at < types.end {
            let id = btf.types.len();
            let kind = btf.read_type(at)?;
            btf.types.push(at);
            if kind.kind == STRUCT
                && kind.name != 0
                && let Ok(id) = u32::try_from(id)
            {
                let name = btf.string(kind.name)?;
                btf.structs.entry(name).or_insert(id);
            }
            at += 12 + kind.tail_len(id)?;
        }
        Ok(btf)
    }

    /// Where `structure` keeps `member`; dots descend into embedded structs, and members of
    /// anonymous ones are found by their own name, as in C.
    pub fn place(&self, structure: &str, member: &str) -> Result<Place, BtfError> {
        let mut id = *self
            .structs
            .get(structure)
            .ok_or_else(|| BtfError::NoStruct(structure.to_owned()))?;
        let mut offset = 0;
        for name in member.split('.') {
            let (inner, at) = self
                .member(id, name, 0)?
                .ok_or_else(|| BtfError::NoMember {
                    structure: structure.to_owned(),
                    member: member.to_owned(),
                })?;
            id = inner;
            offset += at;
        }
        let size = self.size(id, 0)?;
        Ok(Place { offset, size })
    }

    /// The member's type and byte offset within type `id`; bit fields have no address and are not
    /// found.
    fn member(&self, id: u32, name: &str, depth: u32) -> Result<Option<(u32, u32)>, BtfError> {
        let at = self.resolve(id, depth)?;
        let parent = self.read_type(at)?;
        if parent.kind == ARRAY && depth <= MAX_DEPTH {
            // A member of an array is its first element's.
            return self.member(word(self.blob, at + 12)?, name, depth + 1);
        }
        if !matches!(parent.kind, STRUCT | UNION) || depth > MAX_DEPTH {
            return Ok(None);
        }
        for index in 0..parent.len {
            let entry = at + 12 + index * 12;
            let inner = word(self.blob, entry + 4)?;
            let bits = word(self.blob, entry + 8)?;
            let (bits, width) = if parent.kind_flag {
                (bits & 0x00ff_ffff, bits >> 24)
            } else {
                (bits, 0)
            };
            match self.string(word(self.blob, entry)?)? {
                found if found == name && width == 0 => return Ok(Some((inner, bits / 8))),
                "" => {
                    if let Some((id, offset)) = self.member(inner, name, depth + 1)? {
                        return Ok(Some((id, bits / 8 + offset)));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Bytes that a value of type `id` takes.
    fn size(&self, id: u32, depth: u32) -> Result<u32, BtfError> {
        let at = self.resolve(id, depth)?;
        let this = self.read_type(at)?;
        Ok(match this.kind {
            INT | STRUCT | UNION | ENUM | ENUM64 | FLOAT => this.size_or_type,
            PTR => 8,
            ARRAY if depth < MAX_DEPTH => {
                let (element, len) = (word(self.blob, at + 12)?, word(self.blob, at + 20)?);
                len.saturating_mul(self.size(element, depth + 1)?)
            }
            _ => 0,
        })
    }

    /// Where the type behind typedefs and qualifiers starts.
    fn resolve(&self, mut id: u32, mut depth: u32) -> Result<usize, BtfError> {
        loop {
            let at = *self.types.get(id as usize).ok_or(BtfError::Truncated {
                at: self.blob.len(),
            })?;
            let this = self.read_type(at)?;
            match this.kind {
                TYPEDEF | VOLATILE | CONST | RESTRICT | TYPE_TAG if depth <= MAX_DEPTH => {
                    id = this.size_or_type;
                    depth += 1;
                }
                _ => return Ok(at),
            }
        }
    }

    fn read_type(&self, at: usize) -> Result<Type, BtfError> {
        let info = word(self.blob, at + 4)?;
        Ok(Type {
            name: word(self.blob, at)?,
            kind: info >> 24 & 0x1f,
            len: (info & 0xffff) as usize,
            kind_flag: info >> 31 == 1,
            size_or_type: word(self.blob, at + 8)?,
        })
    }

    fn string(&self, offset: u32) -> Result<&'a str, BtfError> {
        let at = self.strings.start + offset as usize;
        let truncated = BtfError::Truncated { at };
        let rest = self.blob.get(at..self.strings.end);
        let Some(rest) = rest else {
            return Err(truncated);
        };
        let end = rest.iter().position(|byte| *byte == 0);
        end.and_then(|end| str::from_utf8(&rest[..end]).ok())
            .ok_or(truncated)
    }
}

impl Type {
    /// Bytes that follow the twelve every type begins with.
    fn tail_len(&self, id: usize) -> Result<usize, BtfError> {
        Ok(match self.kind {
            PTR | 7 | TYPEDEF | VOLATILE | CONST | RESTRICT | 12 | FLOAT | TYPE_TAG => 0,
            INT | VAR | DECL_TAG => 4,
            ARRAY => 12,
            ENUM | FUNC_PROTO => 8 * self.len,
            STRUCT | UNION | DATASEC | ENUM64 => 12 * self.len,
            kind => return Err(BtfError::Kind { id, kind }),
        })
    }
}

fn byte(blob: &[u8], at: usize) -> Result<u8, BtfError> {
    blob.get(at).copied().ok_or(BtfError::Truncated { at })
}

fn word(blob: &[u8], at: usize) -> Result<u32, BtfError> {
    blob.get(at..at + 4)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_ne_bytes)
        .ok_or(BtfError::Truncated { at })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types in the order given, ids from 1; each is its name, info, size or type, and tail.
    fn blob(types: &[(&str, u32, u32, &[u32])]) -> Vec<u8> {
        let mut strings = vec![0];
        let mut words = Vec::new();
        for (name, info, size_or_type, tail) in types {
            words.extend([intern(&mut strings, name), *info, *size_or_type]);
            words.extend(*tail);
        }
        let type_len = u32::try_from(words.len() * 4).unwrap();
        let string_len = u32::try_from(strings.len()).unwrap();
        let header = [24, 0, type_len, type_len, string_len];
        let mut blob = vec![0x9f, 0xeb, 1, 0];
        blob.extend(header.into_iter().chain(words).flat_map(u32::to_ne_bytes));
        blob.extend(strings);
        blob
    }

    fn intern(strings: &mut Vec<u8>, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let at = u32::try_from(strings.len()).unwrap();
        strings.extend(name.bytes());
        strings.push(0);
        at
    }

    const fn kind(kind: u32, len: u32) -> u32 {
        kind << 24 | len
    }

    #[test]
    fn finds_members_of_nested_anonymous_and_qualified_structs() {
        // struct outer { u32 a; union { struct inner i; }; const u16 z[3]; }
        // struct inner { u64 x; u32 y; }
        // Member names sit in the string table: "a" 1, "i" 3, "z" 5, "x" 7, "y" 9.
        let blob = blob(&[
            ("a", kind(INT, 0), 4, &[0]),
            ("i", kind(INT, 0), 8, &[0]),
            ("z", kind(INT, 0), 2, &[0]),
            ("x", kind(CONST, 0), 3, &[]),
            ("y", kind(ARRAY, 0), 0, &[4, 1, 3]),
            ("inner", kind(STRUCT, 2), 16, &[7, 2, 0, 9, 1, 64]),
            ("", kind(UNION, 1), 16, &[3, 6, 0]),
            (
                "outer",
                kind(STRUCT, 3),
                32,
                &[1, 1, 0, 0, 7, 64, 5, 5, 192],
            ),
        ]);
        let btf = Btf::parse(&blob).unwrap();
        let check = |member, offset, size| {
            let place = btf.place("outer", member).unwrap();
            assert_eq!(place, Place { offset, size }, "{member}");
        };
        check("a", 0, 4);
        check("i", 8, 16);
        check("i.y", 16, 4);
        check("z", 24, 6);
        assert_eq!(
            btf.place("outer", "i.w").unwrap_err().to_string(),
            "this kernel's struct outer has no member i.w"
        );
        assert_eq!(
            btf.place("other", "a").unwrap_err().to_string(),
            "this kernel has no struct other"
        );
    }

    #[test]
    fn refuses_what_is_not_btf_or_ends_early() {
        assert!(matches!(
            Btf::parse(b"\x7fELF....").unwrap_err(),
            BtfError::Magic { .. }
        ));
        let whole = blob(&[("outer", kind(STRUCT, 1), 4, &[1, 1, 0])]);
        for len in 0..whole.len() {
            // Never a panic; a blob cut in its strings may still parse.
            let _ = Btf::parse(&whole[..len]).map(|btf| btf.place("outer", "outer").is_ok());
        }
    }
}
