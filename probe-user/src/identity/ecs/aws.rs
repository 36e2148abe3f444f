//! ECS's API through AWS's SDK. Credentials, region and endpoint are where the SDK finds them;
//! its own retries are off, so that every call is one that was planned.

use std::error::Error;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::describe_services::DescribeServicesError;
use aws_sdk_ecs::operation::describe_tasks::DescribeTasksError;
use aws_sdk_ecs::operation::list_services::ListServicesError;
use aws_sdk_ecs::{Client, config};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use tracing::debug;

use super::arn::{ClusterName, ServiceArn, TaskArn};
use super::service::Service;
use super::source::{Operation, ServiceSource, SourceError, TaskSource, Trouble};
use super::task::Task;

mod lenient;
mod wire;

/// Tasks that DescribeTasks takes.
const TASKS_A_CALL: usize = 100;
/// Services that DescribeServices takes.
const SERVICES_A_CALL: usize = 10;
/// Services that a page of ListServices holds.
const PAGE: i32 = 100;
/// Characters of a reason that are kept.
const MAX_REASON: usize = 300;

/// A client of ECS's API.
#[derive(Clone, Debug)]
pub(super) struct Aws {
    client: Client,
}

impl Aws {
    /// Looks for configuration where the SDK does, unless it is `given`. Where there is no region,
    /// that of `task` will do. A call takes `timeout` at most, finding credentials included.
    pub(super) async fn connect(
        given: Option<&SdkConfig>,
        task: Option<&TaskArn>,
        timeout: Duration,
    ) -> Self {
        let found = match given {
            Some(given) => given.clone(),
            None => find().await,
        };
        let region = found
            .region()
            .cloned()
            .or_else(|| task.map(|task| Region::new(task.region().to_owned())));
        debug!("ECS is asked in region {region:?}");
        let config = config::Builder::from(&found)
            .region(region)
            .interceptor(lenient::Lenient)
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(timeout)
                    .operation_timeout(timeout)
                    .build(),
            )
            .build();
        Self {
            client: Client::from_conf(config),
        }
    }
}

async fn find() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .load()
        .await
}

impl TaskSource for Aws {
    fn operation(&self) -> Operation {
        Operation::DescribeTasks
    }

    fn batch(&self) -> usize {
        TASKS_A_CALL
    }

    async fn tasks(
        &self,
        cluster: &ClusterName,
        tasks: &[TaskArn],
    ) -> Result<Vec<Task>, SourceError> {
        let request = self.client.describe_tasks().cluster(cluster.as_str());
        let arns = tasks.iter().map(|arn| arn.as_str().to_owned()).collect();
        match request.set_tasks(Some(arns)).send().await {
            Ok(answer) => {
                for failure in answer.failures() {
                    debug!("DescribeTasks in {cluster}: {}", wire::failure(failure));
                }
                let tasks = answer.tasks.unwrap_or_default();
                Ok(tasks.into_iter().filter_map(wire::task).collect())
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeTasksError::is_cluster_not_found_exception) =>
            {
                debug!("no cluster {cluster}");
                Ok(Vec::new())
            }
            Err(error) => Err(failed(Operation::DescribeTasks, cluster, error)),
        }
    }
}

impl ServiceSource for Aws {
    const BATCH: usize = SERVICES_A_CALL;

    async fn services(
        &self,
        cluster: &ClusterName,
        names: &[String],
    ) -> Result<Vec<Service>, SourceError> {
        let request = self.client.describe_services().cluster(cluster.as_str());
        match request.set_services(Some(names.to_vec())).send().await {
            Ok(answer) => {
                for failure in answer.failures() {
                    debug!("DescribeServices in {cluster}: {}", wire::failure(failure));
                }
                let services = answer.services.unwrap_or_default();
                let service = |service| wire::service(cluster, service);
                Ok(services.into_iter().filter_map(service).collect())
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeServicesError::is_cluster_not_found_exception) =>
            {
                debug!("no cluster {cluster}");
                Ok(Vec::new())
            }
            Err(error) => Err(failed(Operation::DescribeServices, cluster, error)),
        }
    }

    async fn list(
        &self,
        cluster: &ClusterName,
        next: Option<String>,
    ) -> Result<(Vec<ServiceArn>, Option<String>), SourceError> {
        let request = self.client.list_services().cluster(cluster.as_str());
        match request.max_results(PAGE).set_next_token(next).send().await {
            Ok(answer) => {
                let arns = answer.service_arns().iter();
                let services = arns.filter_map(|arn| ServiceArn::parse(arn).ok()).collect();
                Ok((
                    services,
                    answer.next_token.filter(|token| !token.is_empty()),
                ))
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(ListServicesError::is_cluster_not_found_exception) =>
            {
                debug!("no cluster {cluster}");
                Ok((Vec::new(), None))
            }
            Err(error) => Err(failed(Operation::ListServices, cluster, error)),
        }
    }
}

fn failed<E>(operation: Operation, cluster: &ClusterName, error: SdkError<E>) -> SourceError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    let code = error.as_service_error().and_then(|e| e.code());
    let trouble = trouble(status, code);
    let reason = match (code, error.as_service_error().and_then(|e| e.message())) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => {
            let cause = innermost(&error);
            status.map_or_else(|| cause.clone(), |status| format!("HTTP {status}: {cause}"))
        }
    };
    SourceError {
        operation,
        cluster: Some(cluster.clone()),
        trouble,
        reason: reason.chars().take(MAX_REASON).collect(),
        source: Box::new(error),
    }
}

/// By HTTP status, and the codes that AWS's SDKs take for throttling.
fn trouble(status: Option<u16>, code: Option<&str>) -> Trouble {
    let throttles = |code: &str| {
        [
            "Throttl",
            "TooManyRequests",
            "RequestLimitExceeded",
            "SlowDown",
            "RequestThrottled",
        ]
        .iter()
        .any(|word| code.contains(word))
    };
    match (status, code) {
        (Some(429), _) => Trouble::Throttled,
        (_, Some(code)) if throttles(code) => Trouble::Throttled,
        (Some(400..=499), _) => Trouble::Refused,
        _ => Trouble::Unreachable,
    }
}

/// The SDK wraps the telling cause in several that say only that something failed.
fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_concerns_one_question() {
        let check = |status, code, expected| {
            assert_eq!(trouble(status, code), expected, "{status:?} {code:?}");
        };
        check(Some(400), Some("ThrottlingException"), Trouble::Throttled);
        check(Some(429), None, Trouble::Throttled);
        check(Some(503), Some("SlowDown"), Trouble::Throttled);
        check(Some(400), Some("AccessDeniedException"), Trouble::Refused);
        check(Some(404), None, Trouble::Refused);
        check(Some(500), Some("ServerException"), Trouble::Unreachable);
        check(Some(200), None, Trouble::Unreachable);
        check(None, None, Trouble::Unreachable);
    }
}
