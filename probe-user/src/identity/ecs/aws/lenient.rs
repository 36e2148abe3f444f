//! Answers are cut down to what is wanted before the SDK reads them.
//!
//! The SDK refuses a whole answer for one field of the wrong type, be it one that nobody asked
//! for: a hundred tasks would stay unknown for one odd container. And a service drags along its
//! last hundred events, which are not worth parsing.

use aws_sdk_ecs::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use aws_smithy_types::body::SdkBody;
use futures_util::stream;
use http_body_util::{BodyExt as _, Limited, StreamBody};
use hyper::body::{Bytes, Frame};
use serde_json::{Map, Number, Value};

/// The longest answer taken. A hundred tasks are some 500 kB.
const MAX_ANSWER: usize = 32 << 20;

/// What a field must be.
enum Shape {
    /// Text; a number becomes text.
    Text,
    /// A whole number; text that is one becomes one.
    Count,
    /// A list of text.
    Texts,
    /// A list of objects with these fields.
    Objects(&'static [(&'static str, Shape)]),
}

use Shape::{Count, Objects, Text, Texts};

/// The answers to all operations used: no two use a name for different things.
const ANSWER: &[(&str, Shape)] = &[
    ("tasks", Objects(TASK)),
    ("services", Objects(SERVICE)),
    ("failures", Objects(&[("arn", Text), ("reason", Text)])),
    ("serviceArns", Texts),
    ("nextToken", Text),
];

const TASK: &[(&str, Shape)] = &[
    ("taskArn", Text),
    ("taskDefinitionArn", Text),
    ("group", Text),
    ("startedBy", Text),
    ("launchType", Text),
    ("capacityProviderName", Text),
    ("cpu", Text),
    ("memory", Text),
    ("containers", Objects(CONTAINER)),
];

const CONTAINER: &[(&str, Shape)] = &[
    ("name", Text),
    ("cpu", Text),
    ("memory", Text),
    ("memoryReservation", Text),
];

const SERVICE: &[(&str, Shape)] = &[
    ("serviceArn", Text),
    ("serviceName", Text),
    ("status", Text),
    ("desiredCount", Count),
    ("runningCount", Count),
    ("pendingCount", Count),
    ("launchType", Text),
    ("deployments", Objects(DEPLOYMENT)),
    ("taskSets", Objects(DEPLOYMENT)),
];

const DEPLOYMENT: &[(&str, Shape)] = &[("id", Text), ("status", Text), ("rolloutState", Text)];

/// Stands between the network and the SDK's reader.
#[derive(Debug)]
pub(super) struct Lenient;

impl Intercept for Lenient {
    fn name(&self) -> &'static str {
        "Lenient"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response_mut();
        if answer.status().is_success() {
            let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
            // Still under way: it is read, and cut down, when the SDK reads it.
            let whole = async { Ok::<_, BoxError>(Frame::data(read(body).await?)) };
            let whole = StreamBody::new(stream::once(whole));
            *answer.body_mut() = SdkBody::from_body_1_x(whole);
        }
        Ok(())
    }
}

async fn read(body: SdkBody) -> Result<Bytes, BoxError> {
    let bytes = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
    Ok(cut_down(&bytes).unwrap_or(bytes))
}

/// `None` when it is no JSON object: the SDK says best what is wrong with it.
fn cut_down(answer: &[u8]) -> Option<Bytes> {
    let Value::Object(answer) = serde_json::from_slice(answer).ok()? else {
        return None;
    };
    let kept = Value::Object(object(answer, ANSWER));
    serde_json::to_vec(&kept).ok().map(Bytes::from)
}

fn object(mut object: Map<String, Value>, fields: &[(&str, Shape)]) -> Map<String, Value> {
    let kept = fields.iter().filter_map(|(name, shape)| {
        let value = shaped(object.remove(*name)?, shape)?;
        Some(((*name).to_owned(), value))
    });
    kept.collect()
}

fn shaped(value: Value, shape: &Shape) -> Option<Value> {
    match (shape, value) {
        (Text, value @ Value::String(_)) => Some(value),
        (Text, Value::Number(number)) => Some(Value::String(number.to_string())),
        (Count, Value::Number(number)) => count(number.as_i64()?),
        (Count, Value::String(text)) => count(text.parse().ok()?),
        (Texts, Value::Array(items)) => {
            let texts = items.into_iter().filter(Value::is_string);
            Some(Value::Array(texts.collect()))
        }
        (Objects(fields), Value::Array(items)) => {
            let objects = items.into_iter().filter_map(|item| match item {
                Value::Object(item) => Some(Value::Object(object(item, fields))),
                _ => None,
            });
            Some(Value::Array(objects.collect()))
        }
        _ => None,
    }
}

/// As the SDK has it, in 32 bits.
fn count(number: i64) -> Option<Value> {
    i32::try_from(number)
        .ok()
        .map(Number::from)
        .map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, kept: &str) {
        let bytes = cut_down(answer.as_bytes()).unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), kept);
    }

    #[test]
    fn one_odd_field_takes_nothing_from_the_rest() {
        check(
            r#"{"tasks": [{"taskArn": "a", "cpu": 256, "createdAt": "soon", "group": {}},
                null, 7, {"containers": [{"name": "web", "cpu": 128, "exitCode": "none"}, []]}]}"#,
            r#"{"tasks":[{"cpu":"256","taskArn":"a"},{"containers":[{"cpu":"128","name":"web"}]}]}"#,
        );
        check(
            r#"{"services": [{"desiredCount": "3", "runningCount": 1e99, "pendingCount": 5000000000}]}"#,
            r#"{"services":[{"desiredCount":3}]}"#,
        );
        check(
            r#"{"serviceArns": ["a", 1, null, "b"], "nextToken": null}"#,
            r#"{"serviceArns":["a","b"]}"#,
        );
        check(
            r#"{"tasks": "none", "failures": [{"arn": "a"}]}"#,
            r#"{"failures":[{"arn":"a"}]}"#,
        );
    }

    #[test]
    fn what_is_no_object_is_left_to_the_sdk() {
        for text in ["", "<html>", "[]", "null", r#"{"tasks": ["#] {
            assert!(cut_down(text.as_bytes()).is_none(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_answer_upsets_it(answer in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = cut_down(&answer);
        }
    }
}
