//! The fields of a file that is used.

use super::ContainerFields;
use crate::{
    filter::{Field, Record, Value},
    top::files::FileReading,
};

/// What a command has moved in a file, on the host called `host`.
#[derive(Clone, Copy, Debug)]
pub struct FileRecord<'a> {
    reading: &'a FileReading,
    host: &'a str,
}

impl<'a> FileRecord<'a> {
    /// As `probe top files` shows it.
    #[must_use]
    pub const fn new(reading: &'a FileReading, host: &'a str) -> Self {
        Self { reading, host }
    }
}

impl Record for FileRecord<'_> {
    fn each(&self, field: Field, key: &str, tell: &mut dyn FnMut(Value<'_>)) {
        let used = &self.reading.used;
        match (field, &used.file) {
            (Field::ProcName, Some(file)) => tell(Value::Text(&file.command)),
            (Field::FdName, Some(file)) => tell(Value::Text(&file.path)),
            (Field::ProcName | Field::FdName, None) => {}
            (Field::FdType, _) => tell(Value::Text("file")),
            (Field::EvtBytes, _) => {
                let moved = used.moved;
                tell(Value::Number(
                    moved.bytes_read.saturating_add(moved.bytes_written),
                ));
            }
            (Field::HostName, _) => tell(Value::Text(self.host)),
            _ => {
                if let Some(container) = &self.reading.container {
                    let addresses = container.addresses();
                    ContainerFields::from(&**container).each(field, key, addresses, tell);
                }
            }
        }
    }
}
