//! What ECS calls things. Labels are written by whoever starts a container, so names are checked
//! before they are sent to AWS: one that AWS would refuse must not spoil the call for the others.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The longest name of a cluster or service.
const MAX_NAME: usize = 255;
/// Digits of an AWS account's id.
const ACCOUNT_LEN: usize = 12;
/// The longest id of a task: 32 hex digits today, a UUID with dashes before 2018.
const MAX_TASK_ID: usize = 64;

/// Text that is not the name it should be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` is not the {wanted}: expected {form}")]
pub struct BadName {
    /// As it was given, cut at 80 characters.
    pub text: String,
    /// What it should have been.
    pub wanted: &'static str,
    /// How that looks.
    pub form: &'static str,
}

impl BadName {
    fn new(text: &str, wanted: &'static str, form: &'static str) -> Self {
        let text = text.chars().take(80).collect();
        Self { text, wanted, form }
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as ECS writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A cluster, by its name: 1 to 255 letters, digits, `-` and `_`.
    ClusterName
}
name! {
    /// A service, by its name within a cluster: 1 to 255 letters, digits, `-` and `_`.
    ServiceName
}
name! {
    /// A service's ARN: `arn:aws:ecs:<region>:<account>:service/[<cluster>/]<name>`.
    ServiceArn
}
name! {
    /// A task's ARN: `arn:aws:ecs:<region>:<account>:task/[<cluster>/]<id>`; those made before
    /// 2018 lack the cluster.
    TaskArn
}

impl ClusterName {
    /// Takes a name, or the name in a cluster's ARN: labels carry what the agent was set up with.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let name = match Arn::split(text) {
            Some(arn) => arn.resource.strip_prefix("cluster/").unwrap_or(text),
            None => text,
        };
        if is_name(name) {
            return Ok(Self(name.into()));
        }
        Err(BadName::new(
            text,
            "name of an ECS cluster",
            "letters, digits, `-` and `_`",
        ))
    }
}

impl ServiceName {
    /// # Errors
    /// When `text` cannot be a service's name.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        if is_name(text) {
            return Ok(Self(text.into()));
        }
        Err(BadName::new(
            text,
            "name of an ECS service",
            "letters, digits, `-` and `_`",
        ))
    }

    /// The name in a task's group, `service:<name>`; `None` for every other group.
    #[must_use]
    pub fn in_group(group: &str) -> Option<Self> {
        Self::parse(group.strip_prefix("service:")?).ok()
    }
}

impl ServiceArn {
    /// # Errors
    /// When `text` is not the ARN of a service.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let name = Arn::split(text).and_then(|arn| {
            let path = arn.resource.strip_prefix("service/")?;
            Some(path.rsplit_once('/').map_or(path, |(_, name)| name))
        });
        if name.is_some_and(is_name) {
            return Ok(Self(text.into()));
        }
        Err(BadName::new(
            text,
            "ARN of an ECS service",
            "arn:aws:ecs:<region>:<account>:service/<cluster>/<name>",
        ))
    }

    /// The service's name: the last part.
    #[must_use]
    pub fn name(&self) -> ServiceName {
        let name = self.0.rsplit_once('/').map_or(&*self.0, |(_, name)| name);
        ServiceName(name.into())
    }
}

impl TaskArn {
    /// # Errors
    /// When `text` is not the ARN of a task.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let valid = Arn::split(text).and_then(|arn| {
            let path = arn.resource.strip_prefix("task/")?;
            let (cluster, id) = path
                .split_once('/')
                .map_or((None, path), |(cluster, id)| (Some(cluster), id));
            (cluster.is_none_or(is_name) && is_task_id(id)).then_some(())
        });
        if valid.is_some() {
            return Ok(Self(text.into()));
        }
        Err(BadName::new(
            text,
            "ARN of an ECS task",
            "arn:aws:ecs:<region>:<account>:task/<cluster>/<id>",
        ))
    }

    /// The task's id: the last part.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, id)| id)
    }

    /// The region it runs in, such as `eu-west-1`.
    #[must_use]
    pub fn region(&self) -> &str {
        self.0.split(':').nth(3).unwrap_or_default()
    }

    /// Its cluster, unless the ARN is of the old form.
    #[must_use]
    pub fn cluster(&self) -> Option<ClusterName> {
        let mut parts = self.0.split('/').skip(1);
        let cluster = parts.next()?;
        parts.next().map(|_| ClusterName(cluster.into()))
    }
}

/// A service within its cluster.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ServiceKey {
    /// Where it runs.
    pub cluster: ClusterName,
    /// What it is called there.
    pub name: ServiceName,
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.name)
    }
}

/// An ARN of ECS with its first five parts checked.
struct Arn<'a> {
    resource: &'a str,
}

impl<'a> Arn<'a> {
    fn split(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let valid = parts.next()? == "arn"
            && parts.next()?.starts_with("aws")
            && parts.next()? == "ecs"
            && is_region(parts.next()?)
            && is_account(parts.next()?);
        let resource = parts.next()?;
        valid.then_some(Self { resource })
    }
}

fn is_region(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(plain)
}

fn is_account(text: &str) -> bool {
    text.len() == ACCOUNT_LEN && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(plain)
}

fn is_task_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (1..=MAX_TASK_ID).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests;
