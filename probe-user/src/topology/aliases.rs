//! Where the ends of an edge see each other, if that is not where they are.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use super::{edge::EdgeKey, join::Conversation};

/// Addresses under which an edge's ends know each other: behind a published port, a proxy or any NAT.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Aliases {
    /// Where the client has asked for the server, other than at the port that listens.
    pub server: BTreeSet<SocketAddr>,
    /// Whom the server has seen come.
    pub client: BTreeSet<IpAddr>,
}

impl Aliases {
    /// Those of an edge, by all its conversations.
    #[must_use]
    pub fn of(edge: &EdgeKey, conversations: &[Conversation]) -> Self {
        let of_edge = |conversation: &&Conversation| {
            conversation.listener == edge.listener
                && edge.source.is_of(&conversation.source)
                && edge.target.is_of(&conversation.target)
        };
        let mut aliases = Self::default();
        for conversation in conversations.iter().filter(of_edge) {
            let elsewhere = |asked: &SocketAddr| Some(asked.port()) != edge.listener.port();
            aliases.server.extend(conversation.asked.filter(elsewhere));
            let server = conversation.server.as_ref();
            let seen = server.map(|flow| flow.remote.to_canonical());
            aliases
                .client
                .extend(seen.filter(|seen| !seen.is_unspecified()));
        }
        aliases
    }
}
