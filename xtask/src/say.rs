//! What xtask says, all of it on stderr: stdout belongs to the programs it runs.

use std::fmt::Display;

/// One line on what is being done, or why something is not.
#[expect(clippy::print_stderr, reason = "the one place that tells progress")]
pub(crate) fn progress(what: impl Display) {
    eprintln!("xtask: {what}");
}

/// The end of a verb that failed, with everything that led to it.
#[expect(clippy::print_stderr, reason = "the one place that tells failure")]
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("xtask: {error:#}");
}
