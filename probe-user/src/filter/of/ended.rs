//! The fields of processes that have ended, added up by command: of each process's own there are none.

use super::ContainerFields;
use crate::{
    filter::{Field, Record, Value},
    top::EndedReading,
};

/// What processes of a command have used, on the host called `host`.
#[derive(Clone, Copy, Debug)]
pub struct EndedRecord<'a> {
    reading: &'a EndedReading,
    host: &'a str,
}

impl<'a> EndedRecord<'a> {
    /// As `probe top processes` shows them.
    #[must_use]
    pub const fn new(reading: &'a EndedReading, host: &'a str) -> Self {
        Self { reading, host }
    }
}

impl Record for EndedRecord<'_> {
    fn each(&self, field: Field, key: &str, tell: &mut dyn FnMut(Value<'_>)) {
        match field {
            Field::ProcName => {
                let command = self.reading.command.as_deref();
                command.map(Value::Text).into_iter().for_each(tell);
            }
            Field::HostName => tell(Value::Text(self.host)),
            _ => {
                if let Some(container) = &self.reading.container {
                    let addresses = container.addresses();
                    ContainerFields::from(&**container).each(field, key, addresses, tell);
                }
            }
        }
    }
}
