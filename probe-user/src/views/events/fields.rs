//! The fields of an event.

use super::Event;
use crate::filter::{self, Field, Value, of::ContainerFields};

/// An event on the host called `host`.
#[derive(Clone, Copy, Debug)]
pub struct EventRecord<'a> {
    /// The event.
    pub event: &'a Event,
    /// Where it happened.
    pub host: &'a str,
}

impl filter::Record for EventRecord<'_> {
    fn each(&self, field: Field, key: &str, tell: &mut dyn FnMut(Value<'_>)) {
        let event = self.event;
        let number = |number: Option<u32>| number.map(|number| Value::Number(number.into()));
        match field {
            Field::EvtType => tell(Value::Text(&event.kind)),
            Field::EvtFailed if event.connection.is_none() => {
                if let (Some(status), Some(signal)) = (event.status, event.signal) {
                    tell(Value::Flag(status != 0 || signal != 0));
                }
            }
            Field::ProcPid => number(event.pid).into_iter().for_each(tell),
            Field::ProcVpid => number(event.vpid).into_iter().for_each(tell),
            Field::ProcPpid => number(event.parent).into_iter().for_each(tell),
            Field::ProcUid => number(event.uid).into_iter().for_each(tell),
            Field::ProcName => text(event.command.as_ref()).into_iter().for_each(tell),
            Field::ProcCmdline => text(event.command_line.as_ref()).into_iter().for_each(tell),
            // Of a cgroup, the path is no program's.
            Field::ProcExe if event.pid.is_some() => {
                text(event.path.as_ref()).into_iter().for_each(tell);
            }
            Field::HostName => tell(Value::Text(self.host)),
            _ => {
                if let Some(connection) = &event.connection {
                    connection.each(field, tell);
                }
                if let Some(container) = &event.of {
                    let addresses = container.addresses();
                    ContainerFields::from(&**container).each(field, key, addresses, tell);
                }
            }
        }
    }
}

fn text(text: Option<&String>) -> Option<Value<'_>> {
    text.map(|text| Value::Text(text))
}
