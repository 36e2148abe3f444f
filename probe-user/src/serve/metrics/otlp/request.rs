//! Metrics as OTLP has them.

use jiff::Timestamp;
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality, Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
        metric::Data, number_data_point,
    },
    resource::v1::Resource,
};

use super::super::family::{Families, Family, Kind, Sample, Value};
use crate::serve::About;

/// One request with all of them, under the same names. Counters count since the agent's start.
pub(super) fn of(
    families: &Families,
    about: &About,
    started: Timestamp,
) -> ExportMetricsServiceRequest {
    let (start, now) = (nanoseconds(started), nanoseconds(Timestamp::now()));
    let metrics = families.0.iter().map(|family| metric(family, start, now));
    let attributes = [
        ("service.name", "probe"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("host.name", &about.host),
    ];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource {
                attributes: attributes.into_iter().map(attribute).collect(),
                ..Resource::default()
            }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(InstrumentationScope {
                    name: "probe".to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    ..InstrumentationScope::default()
                }),
                metrics: metrics.collect(),
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}

fn metric(family: &Family, start: u64, now: u64) -> Metric {
    let points = family
        .samples
        .iter()
        .map(|sample| point(sample, start, now));
    let data_points = points.collect();
    let data = match family.kind {
        Kind::Counter => Data::Sum(Sum {
            data_points,
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic: true,
        }),
        Kind::Gauge => Data::Gauge(Gauge { data_points }),
    };
    Metric {
        name: family.name.to_owned(),
        description: family.help.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn point(sample: &Sample, start: u64, now: u64) -> NumberDataPoint {
    let labels = sample.labels.iter();
    NumberDataPoint {
        attributes: labels
            .map(|(name, value)| attribute((name, value)))
            .collect(),
        start_time_unix_nano: start,
        time_unix_nano: now,
        value: Some(match sample.value {
            // It has no unsigned ones.
            Value::Whole(value) => {
                number_data_point::Value::AsInt(i64::try_from(value).unwrap_or(i64::MAX))
            }
            Value::Real(value) => number_data_point::Value::AsDouble(value),
        }),
        ..NumberDataPoint::default()
    }
}

fn attribute((key, value): (&str, &str)) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

/// Since the epoch; before it nobody watched.
fn nanoseconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond()).unwrap_or_default()
}
