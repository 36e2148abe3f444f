//! Why an agent does not run.

use std::io;

use thiserror::Error;

use crate::{
    identity::CgroupError,
    kernel::{error::LoadError, files::FilesError, flows::FlowError, privileges::NotPrivileged},
};

/// Why an agent could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The process may not load programs.
    #[error(transparent)]
    NotPrivileged(#[from] NotPrivileged),
    /// Cgroups are not to be found.
    #[error(transparent)]
    Cgroups(#[from] CgroupError),
    /// The kernel side did not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The files' maps cannot be used.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The ring cannot be waited on.
    #[error("the record ring cannot be polled")]
    Poll(#[source] io::Error),
}

/// Why an agent stopped by itself.
#[derive(Debug, Error)]
pub enum RunError {
    /// The flow map could not be read.
    #[error(transparent)]
    Flows(#[from] FlowError),
    /// The files' maps could not be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The loss counters could not be read.
    #[error("the loss counters cannot be read")]
    Losses(#[source] aya::maps::MapError),
    /// What the kernel says of a program could not be read.
    #[error("the runs that the kernel left out cannot be read")]
    Missed(#[source] io::Error),
    /// What the kernel is to keep back could not be told.
    #[error("the kernel keeps back what the filter may let pass")]
    Refused(#[source] aya::maps::MapError),
    /// The ring could not be waited on.
    #[error("the record ring cannot be polled")]
    Poll(#[source] io::Error),
}
