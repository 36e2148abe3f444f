//! What Docker's labels say of a container's task: always there, without a call.

use std::collections::BTreeMap;

use super::arn::{ClusterName, TaskArn};

const CLUSTER: &str = "com.amazonaws.ecs.cluster";
const CONTAINER: &str = "com.amazonaws.ecs.container-name";
const TASK: &str = "com.amazonaws.ecs.task-arn";
const FAMILY: &str = "com.amazonaws.ecs.task-definition-family";
const REVISION: &str = "com.amazonaws.ecs.task-definition-version";

/// What the labels that ECS's agent puts on a container say. A label that is missing, or holds
/// what it cannot, is `None`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EcsFacts {
    /// The cluster: of the task's ARN, else of the label.
    pub cluster: Option<ClusterName>,
    /// The task.
    pub task: Option<TaskArn>,
    /// The family of the task definition.
    pub family: Option<String>,
    /// The revision of the task definition.
    pub revision: Option<String>,
    /// The container's name in the task definition.
    pub container: Option<String>,
}

impl EcsFacts {
    /// `None` for a container that ECS did not start.
    #[must_use]
    pub fn of(labels: &BTreeMap<String, String>) -> Option<Self> {
        if labels.is_empty() {
            return None;
        }
        let text = |label| labels.get(label).filter(|text| !text.is_empty());
        let task = text(TASK).and_then(|text| TaskArn::parse(text).ok());
        let facts = Self {
            cluster: task
                .as_ref()
                .and_then(TaskArn::cluster)
                .or_else(|| ClusterName::parse(text(CLUSTER)?).ok()),
            task,
            family: text(FAMILY).cloned(),
            revision: text(REVISION).cloned(),
            container: text(CONTAINER).cloned(),
        };
        (facts != Self::default()).then_some(facts)
    }

    /// `family:revision`, or the family alone.
    #[must_use]
    pub fn definition(&self) -> Option<String> {
        let family = self.family.as_deref()?;
        Some(match &self.revision {
            Some(revision) => format!("{family}:{revision}"),
            None => family.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:ecs:eu-west-1:012345678910:task/prod/1f";
    const OLD_ARN: &str = "arn:aws:ecs:eu-west-1:012345678910:task/1f";

    fn facts<const N: usize>(labels: [(&str, &str); N]) -> Option<EcsFacts> {
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        EcsFacts::of(&BTreeMap::from(labels))
    }

    #[test]
    fn all_five_labels_are_read() {
        let facts = facts([
            (CLUSTER, "prod"),
            (CONTAINER, "nginx"),
            (TASK, ARN),
            (FAMILY, "web"),
            (REVISION, "7"),
            ("maintainer", "someone"),
        ])
        .unwrap();
        assert_eq!(facts.cluster.as_ref().unwrap().as_str(), "prod");
        assert_eq!(facts.task.as_ref().unwrap().as_str(), ARN);
        assert_eq!(facts.definition().as_deref(), Some("web:7"));
        assert_eq!(facts.container.as_deref(), Some("nginx"));
    }

    #[test]
    fn a_container_of_no_task_has_none() {
        assert_eq!(facts([]), None);
        assert_eq!(facts([("maintainer", "someone"), (TASK, "")]), None);
    }

    #[test]
    fn one_bad_label_takes_nothing_from_the_others() {
        let facts = facts([(CLUSTER, "no cluster"), (TASK, "x"), (FAMILY, "web")]).unwrap();
        assert_eq!((facts.cluster, facts.task), (None, None));
        assert_eq!(facts.family.as_deref(), Some("web"));
    }

    #[test]
    fn the_cluster_is_the_arns_or_the_labels() {
        let cluster = |arn, label| {
            let facts = facts([(TASK, arn), (CLUSTER, label)]).unwrap();
            facts.cluster.map(|name| name.to_string())
        };
        assert_eq!(cluster(ARN, "other").as_deref(), Some("prod"));
        assert_eq!(cluster(OLD_ARN, "other").as_deref(), Some("other"));
        let by_arn = cluster(OLD_ARN, "arn:aws:ecs:eu-west-1:012345678910:cluster/other");
        assert_eq!(by_arn.as_deref(), Some("other"));
        assert_eq!(cluster(OLD_ARN, ""), None);
    }
}
