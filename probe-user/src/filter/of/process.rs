//! The fields of a process.

use super::ContainerFields;
use crate::{
    filter::{Field, Record, Value},
    identity::process::Process,
    ids::Pid,
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
        if field == Field::HostName {
            tell(Value::Text(self.host));
            return;
        }
        self.row.process.each(field, key, tell);
        if let Some(container) = &self.row.container {
            let addresses = container.addresses();
            ContainerFields::from(&**container).each(field, key, addresses, tell);
        }
    }
}

/// What is its own.
impl Record for Process {
    fn each(&self, field: Field, _key: &str, tell: &mut dyn FnMut(Value<'_>)) {
        let number = |pid: Pid| Value::Number(pid.0.into());
        match field {
            Field::ProcName => tell(Value::Text(&self.command)),
            Field::ProcPid => tell(number(self.pid)),
            Field::ProcVpid => self.inner_pid.map(number).into_iter().for_each(tell),
            Field::ProcPpid => tell(number(self.parent)),
            Field::ProcCmdline if !self.command_line.is_empty() => {
                tell(Value::Text(&self.command_line));
            }
            Field::ProcExe => {
                if let Some(file) = &self.executable {
                    tell(Value::Text(&file.to_string_lossy()));
                }
            }
            Field::ProcUid => tell(Value::Number(self.uid.into())),
            _ => {}
        }
    }
}
