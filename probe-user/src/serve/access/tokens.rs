//! The token file: a token a line, then the scopes it has.
//!
//! ```text
//! # for Prometheus
//! 4f1c…e2 read
//! # for an operator
//! 9ab0…77 read arguments
//! ```

use std::{
    fmt, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::Scope;

/// Shorter ones can be guessed.
const SHORTEST: usize = 16;
/// Each request compares with all of them.
const MOST: usize = 64;

/// Why the tokens cannot be used.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The file could not be read.
    #[error("cannot read the token file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Everybody on this machine could read it.
    #[error(
        "the token file {} is open to others: `chmod o-rwx` it, so that it stays a secret",
        .0.display()
    )]
    NoSecret(PathBuf),
    /// A line is none.
    #[error("{}, line {line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which, from 1.
        line: usize,
        /// What is wrong with it; never the token itself.
        reason: String,
    },
    /// It opens no door.
    #[error("the token file {} has no token in it", .0.display())]
    None(PathBuf),
}

/// The tokens that open the TCP side.
pub struct Tokens(Vec<(Box<[u8]>, Scope)>);

impl Tokens {
    /// Reads a token file.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::Read {
            path: path.to_owned(),
            source,
        };
        if fs::metadata(path).map_err(failed)?.mode() & 0o007 != 0 {
            return Err(TokenError::NoSecret(path.to_owned()));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let tokens = parse(&text).map_err(|(line, reason)| TokenError::Line {
            path: path.to_owned(),
            line,
            reason,
        })?;
        if tokens.0.is_empty() {
            return Err(TokenError::None(path.to_owned()));
        }
        Ok(tokens)
    }

    /// What the token is good for. Takes the same time for every token of the same length: all are
    /// compared, each to its end.
    pub(super) fn scope(&self, token: &str) -> Option<Scope> {
        let mut found = None;
        for (known, scope) in &self.0 {
            if bool::from(known.ct_eq(token.as_bytes())) {
                found = Some(*scope);
            }
        }
        found
    }
}

/// Secrets are not printed.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.0.len())
    }
}

pub(super) fn parse(text: &str) -> Result<Tokens, (usize, String)> {
    let mut tokens = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut words = line.split_whitespace();
        let Some(token) = words.next().filter(|word| !word.starts_with('#')) else {
            continue;
        };
        let refuse = |reason: String| Err((index + 1, reason));
        if token.len() < SHORTEST {
            return refuse(format!("a token needs {SHORTEST} characters or more"));
        }
        if tokens.len() >= MOST {
            return refuse(format!("there can be no more than {MOST} tokens"));
        }
        let mut scope = Scope::Read;
        for word in words {
            match word {
                "read" => {}
                "arguments" => scope = Scope::Arguments,
                _ => return refuse(format!("the scope {word:?} is neither read nor arguments")),
            }
        }
        tokens.push((token.as_bytes().into(), scope));
    }
    Ok(Tokens(tokens))
}
