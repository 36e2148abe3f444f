//! The fields of a process.

use super::ContainerFields;
use crate::{
    filter::{Field, Record, Value},
    views::processes::Row,
};

/// A process on the host called `host`, with its container.
#[derive(Clone, Copy, Debug)]
pub struct ProcessRecord<'a> {
    row: &'a Row,
    host: &'a str,
}

impl<'a> ProcessRecord<'a> {
    /// As `probe ps` shows it.
    #[must_use]
    pub const fn new(row: &'a Row, host: &'a str) -> Self {
        Self { row, host }
    }
}

impl Record for ProcessRecord<'_> {
    fn each(&self, field: Field, key: &str, tell: &mut dyn FnMut(Value<'_>)) {
        let process = &self.row.process;
        let number = |pid: crate::ids::Pid| Value::Number(pid.0.into());
        match field {
            Field::ProcName => tell(Value::Text(&process.command)),
            Field::ProcPid => tell(number(process.pid)),
            Field::ProcVpid => process.inner_pid.map(number).into_iter().for_each(tell),
            Field::ProcPpid => tell(number(process.parent)),
            Field::ProcCmdline if !process.command_line.is_empty() => {
                tell(Value::Text(&process.command_line));
            }
            Field::ProcExe => {
                if let Some(file) = &process.executable {
                    tell(Value::Text(&file.to_string_lossy()));
                }
            }
            Field::ProcUid => tell(Value::Number(process.uid.into())),
            Field::HostName => tell(Value::Text(self.host)),
            _ => {
                if let Some(container) = &self.row.container {
                    let addresses = container.addresses();
                    ContainerFields::from(&**container).each(field, key, addresses, tell);
                }
            }
        }
    }
}
