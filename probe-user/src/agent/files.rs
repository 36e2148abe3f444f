//! What is used of files, for who asks for it.

use std::path::Path;

use super::{Agent, RunError, StartError, map_error, unattached};
use crate::kernel::{
    error::LoadError,
    files::{FileMaps, FileTable, FilesError, FilesUsed},
    object::Object,
    programs::FILE_USE,
};

/// The files, and whether anybody looks.
pub(super) struct Files {
    table: FileTable,
    watched: bool,
    /// In the last interval.
    used: FilesUsed,
}

impl Files {
    pub(super) fn open(object: &mut Object) -> Result<Self, LoadError> {
        let maps = FileMaps {
            files: object.take_map("FILES")?,
            rest: object.take_map("FILE_REST")?,
            period: object.take_map("FILE_PERIOD")?,
        };
        Ok(Self {
            table: FileTable::try_from(maps).map_err(map_error("FILES"))?,
            watched: false,
            used: FilesUsed::default(),
        })
    }

    /// An interval has passed.
    pub(super) fn tick(&mut self) -> Result<(), FilesError> {
        if self.watched {
            self.used = self.table.take()?;
        }
        Ok(())
    }
}

impl Agent {
    /// Attaches what counts reads and writes of files, if it is not; there must be room: see
    /// [`super::Options::files`].
    pub fn watch_files(&mut self) -> Result<(), StartError> {
        if self.files.watched {
            return Ok(());
        }
        self.files.table.begin()?;
        // None of its programs is in a cgroup.
        match self.object.attach(&FILE_USE, Path::new("/")) {
            Ok(programs) => {
                let names = programs.iter().map(|program| program.name);
                self.attached.extend(names);
            }
            Err(reasons) => unattached(&FILE_USE, &reasons)?,
        }
        self.files.watched = true;
        Ok(())
    }

    /// Detaches it.
    pub fn leave_files(&mut self) {
        if self.files.watched {
            self.object.detach(FILE_USE.programs());
            self.attached
                .retain(|name| FILE_USE.programs().all(|program| program.name != *name));
            self.files.watched = false;
            self.files.used = FilesUsed::default();
        }
    }

    /// What was used of files in the last interval; nothing while they are not watched.
    #[must_use]
    pub const fn files_used(&self) -> &FilesUsed {
        &self.files.used
    }

    /// Reads and writes of files that found no room: in their cgroup's rest, and not counted at all.
    pub fn files_lost(&self) -> Result<(u64, u64), RunError> {
        self.losses.files().map_err(RunError::Losses)
    }
}
