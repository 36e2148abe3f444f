//! Processes as they end, for who adds up what they have used.

use std::path::Path;

use super::{Agent, StartError, ring, unattached};
use crate::kernel::programs::EXITS;

impl Agent {
    /// Attaches what tells of each process that ends, if it is not. Where the kernel does not take it,
    /// brief processes are not known, which is said.
    pub fn watch_exits(&mut self) -> Result<(), StartError> {
        if self.exits {
            return Ok(());
        }
        // None of its programs is in a cgroup.
        match self.object.attach(&EXITS, Path::new("/")) {
            Ok(programs) => {
                let names = programs.iter().map(|program| program.name);
                self.attached.extend(names);
            }
            Err(reasons) => unattached(&EXITS, &reasons)?,
        }
        self.looks
            .get_or_insert_with(|| ring::every(ring::PATIENCE));
        self.exits = true;
        Ok(())
    }

    /// Detaches it.
    pub fn leave_exits(&mut self) {
        if self.exits {
            self.object.detach(EXITS.programs());
            self.attached
                .retain(|name| EXITS.programs().all(|program| program.name != *name));
            self.looks = None;
            self.exits = false;
        }
    }
}
