//! The fields of a message.

use std::net::SocketAddr;

use super::Talk;
use crate::{
    filter::{self, Field, Value, of::ContainerFields},
    kernel::messages::{Channel, Direction},
};

impl filter::Record for Talk {
    fn each(&self, field: Field, key: &str, tell: &mut dyn FnMut(Value<'_>)) {
        let message = &self.message;
        let (local, remote) = match &message.channel {
            Channel::Inet { local, remote, .. } => (Some(*local), *remote),
            Channel::Unix { .. } | Channel::File { .. } => (None, None),
        };
        let both = [local, remote].into_iter().flatten();
        let client = both.clone().max_by_key(SocketAddr::port);
        let server = both.clone().min_by_key(SocketAddr::port);
        let address = |end: SocketAddr| Value::Address(end.ip());
        let port = |end: SocketAddr| Value::Number(end.port().into());
        match field {
            Field::ProcName => tell(Value::Text(&message.command)),
            Field::ProcPid => tell(Value::Number(message.pid.0.into())),
            Field::ProcVpid
            | Field::ProcPpid
            | Field::ProcCmdline
            | Field::ProcExe
            | Field::ProcUid => {
                if let Some(process) = &self.process {
                    process.each(field, key, tell);
                }
            }
            Field::FdIp | Field::FdNet => both.map(address).for_each(tell),
            Field::FdCip => client.map(address).into_iter().for_each(tell),
            Field::FdSip => server.map(address).into_iter().for_each(tell),
            Field::FdLip => local.map(address).into_iter().for_each(tell),
            Field::FdRip => remote.map(address).into_iter().for_each(tell),
            Field::FdPort => both.map(port).for_each(tell),
            Field::FdCport => client.map(port).into_iter().for_each(tell),
            Field::FdSport => server.map(port).into_iter().for_each(tell),
            Field::FdLport => local.map(port).into_iter().for_each(tell),
            Field::FdRport => remote.map(port).into_iter().for_each(tell),
            Field::FdProto if self.is_about_a_file() => {}
            Field::FdProto => tell(Value::Text(self.protocol())),
            Field::FdName => tell(Value::Text(&self.name())),
            Field::FdType => tell(Value::Text(match local {
                Some(local) if local.is_ipv4() => "ipv4",
                Some(_) => "ipv6",
                None => self.protocol(),
            })),
            Field::EvtType => tell(Value::Text(self.verb())),
            Field::EvtDir => tell(Value::Text(match message.direction {
                Direction::Sent => "out",
                Direction::Received => "in",
            })),
            Field::EvtBytes => tell(Value::Number(message.length.into())),
            Field::HostName => tell(Value::Text(&self.host)),
            _ => {
                if let Some(container) = &self.container {
                    let addresses = container.addresses();
                    ContainerFields::from(&**container).each(field, key, addresses, tell);
                }
            }
        }
    }
}
