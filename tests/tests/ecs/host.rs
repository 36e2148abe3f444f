//! A host with containers, seen as the probe sees it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::Credentials;
use aws_smithy_http_client::Builder;
use probe_tests::fleet::{CONTAINER, FAMILY};
use probe_tests::{Fleet, Moto, Proxy};
use probe_user::identity::ecs::{Access, EcsView, Options, Pauses, Rate};
use probe_user::identity::{ContainerId, Directory, Ecs, Facts, Life, Runtime};
use tokio_util::sync::CancellationToken;

/// What does not happen within this never will.
const DEADLINE: Duration = Duration::from_secs(30);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// A moto server, a proxy before it, and a host that asks through the proxy.
pub(crate) struct Host {
    pub(crate) ecs: Ecs,
    pub(crate) directory: Arc<Directory>,
    pub(crate) fleet: Fleet,
    pub(crate) proxy: Proxy,
    shutdown: CancellationToken,
    _moto: Moto,
}

/// Everything faster than by default, so that ten refreshes take seconds.
pub(crate) fn options() -> Options {
    Options {
        refresh: Duration::from_millis(600),
        look: Duration::from_millis(20),
        timeout: Duration::from_secs(2),
        rate: Rate {
            per_second: 100,
            burst: 100,
        },
        pauses: Pauses {
            first: Duration::from_millis(100),
            longest: Duration::from_millis(600),
        },
        ..Options::default()
    }
}

impl Host {
    /// A host without containers.
    pub(crate) async fn start(options: Options) -> anyhow::Result<Self> {
        let (host, ()) = Self::start_after(options, |_, _| Ok(())).await?;
        Ok(host)
    }

    /// A host that has what `prepare` makes before anybody asks ECS.
    pub(crate) async fn start_after<T>(
        options: Options,
        prepare: impl FnOnce(&Fleet, &Arc<Directory>) -> anyhow::Result<T>,
    ) -> anyhow::Result<(Self, T)> {
        let moto = Moto::start()?;
        let proxy = Proxy::start(moto.address())?;
        let fleet = Fleet::at(moto.address())?;
        let access = Access::With(Box::new(config(&proxy.endpoint()).await));
        let directory = Arc::new(Directory::default());
        let prepared = prepare(&fleet, &directory)?;
        let shutdown = CancellationToken::new();
        let options = Options { access, ..options };
        let ecs = Ecs::spawn(Arc::clone(&directory), options, shutdown.clone());
        let host = Self {
            ecs,
            directory,
            fleet,
            proxy,
            shutdown,
            _moto: moto,
        };
        Ok((host, prepared))
    }

    /// A container of the task appears, with the labels that ECS gives it.
    pub(crate) fn run(&self, task: &str, cluster: &str) -> ContainerId {
        appear(&self.directory, task, cluster)
    }

    /// The container ends.
    pub(crate) fn end(&self, id: &ContainerId) {
        self.directory.ended(id, None, Instant::now());
    }

    /// What is known of the container.
    pub(crate) fn view(&self, id: &ContainerId) -> EcsView {
        let container = self.directory.container(id).expect("it was run");
        self.ecs.of(&container).expect("it has labels")
    }

    /// The service of the container's task.
    pub(crate) fn service(&self, id: &ContainerId) -> Option<String> {
        self.view(id).service.map(|name| name.to_string())
    }

    /// Waits until `condition` holds.
    pub(crate) async fn until(&self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            assert!(
                start.elapsed() < DEADLINE,
                "in vain: {what}; {:#?}",
                self.proxy.calls()
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until services of `cluster` were described `count` times more.
    pub(crate) async fn refreshes(&self, count: usize, cluster: &str) {
        let before = self.proxy.count("DescribeServices", cluster);
        let more = |host: &Self| host.proxy.count("DescribeServices", cluster) >= before + count;
        self.until("refreshes", more).await;
    }

    /// Ends it, so that calls can be counted.
    pub(crate) async fn stop(self) -> Proxy {
        self.shutdown.cancel();
        self.ecs.ended().await;
        self.proxy
    }
}

/// A configuration for the server at `endpoint`; any key will do there.
async fn config(endpoint: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(Builder::new().build_http())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        .endpoint_url(endpoint)
        .load()
        .await
}

/// An engine tells of a container of the task, with the labels that ECS gives it.
pub(crate) fn appear(directory: &Directory, task: &str, cluster: &str) -> ContainerId {
    let id = ContainerId::new(&format!("container-{task}"));
    directory.upsert(labelled(&id, task, cluster), Instant::now());
    id
}

/// What an engine tells of a container that ECS's agent started.
pub(crate) fn labelled(id: &ContainerId, task: &str, cluster: &str) -> Facts {
    let labels = labels(task, cluster).map(|(name, value)| (name.to_owned(), value.to_owned()));
    Facts {
        labels: Some(labels.into()),
        life: Some(Life::Running),
        ..Facts::new(id.clone(), "unix:///test".into(), Runtime::Docker)
    }
}

/// The labels that ECS's agent gives a container.
pub(crate) fn labels<'a>(task: &'a str, cluster: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("com.amazonaws.ecs.cluster", cluster),
        ("com.amazonaws.ecs.container-name", CONTAINER),
        ("com.amazonaws.ecs.task-arn", task),
        ("com.amazonaws.ecs.task-definition-family", FAMILY),
        ("com.amazonaws.ecs.task-definition-version", "1"),
    ]
}
