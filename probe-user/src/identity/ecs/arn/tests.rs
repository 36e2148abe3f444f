use super::*;

fn check_task(text: &str, cluster: Option<&str>, id: &str) {
    let arn = TaskArn::parse(text).unwrap();
    assert_eq!(arn.cluster().as_ref().map(ClusterName::as_str), cluster);
    assert_eq!(arn.id(), id);
    assert_eq!(arn.to_string(), text);
}

#[test]
fn task_arns_of_both_forms_are_read() {
    check_task(
        "arn:aws:ecs:us-west-2:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c",
        Some("default"),
        "158d1c8083dd49d6b527399fd6414f5c",
    );
    check_task(
        "arn:aws-cn:ecs:cn-north-1:012345678910:task/c09f0188-7f87-4b0f-bfc3-16296622b6fe",
        None,
        "c09f0188-7f87-4b0f-bfc3-16296622b6fe",
    );
    let arn =
        TaskArn::parse("arn:aws-us-gov:ecs:us-gov-west-1:012345678910:task/a_b-C/1f").unwrap();
    assert_eq!(arn.region(), "us-gov-west-1");
}

#[test]
fn what_aws_would_refuse_is_no_task_arn() {
    for text in [
        "",
        "task/web/1f",
        "arn:aws:ecs:us-east-1:012345678910:task/",
        "arn:aws:ecs:us-east-1:012345678910:task/web/",
        "arn:aws:ecs:us-east-1:012345678910:task//1f",
        "arn:aws:ecs:us-east-1:012345678910:task/web/1f/2",
        "arn:aws:ecs:us-east-1:01234567891:task/web/1f",
        "arn:aws:ecs::012345678910:task/web/1f",
        "arn:aws:ec2:us-east-1:012345678910:task/web/1f",
        "arn:aws:ecs:us-east-1:012345678910:service/web/1f",
        "arn:aws:ecs:us-east-1:012345678910:task/w eb/1f",
        "arn:aws:ecs:us-east-1:012345678910:task/web/1f\n",
        "arn:aws:ecs:us-east-1:012345678910:task/web/ü",
    ] {
        assert!(TaskArn::parse(text).is_err(), "{text:?}");
    }
    let long = format!(
        "arn:aws:ecs:us-east-1:012345678910:task/web/{}",
        "f".repeat(10_000)
    );
    let error = TaskArn::parse(&long).unwrap_err();
    assert!(error.to_string().len() < 250);
}

#[test]
fn a_cluster_is_named_by_name_or_arn() {
    let check = |text: &str, name| assert_eq!(ClusterName::parse(text).unwrap().as_str(), name);
    check("prod-1", "prod-1");
    check("arn:aws:ecs:eu-west-1:012345678910:cluster/prod", "prod");
    for text in [
        "",
        "a b",
        "arn:aws:ecs:eu-west-1:012345678910:service/prod",
        &"x".repeat(256),
    ] {
        assert!(ClusterName::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_service_is_named_by_its_group_or_arn() {
    let in_group = |group| ServiceName::in_group(group).map(|name| name.to_string());
    assert_eq!(in_group("service:web"), Some("web".to_owned()));
    assert_eq!(in_group("family:web"), None);
    assert_eq!(in_group("service:"), None);
    assert_eq!(in_group("web"), None);
    let name = |arn| ServiceArn::parse(arn).map(|arn| arn.name().to_string());
    let web = Ok("web".to_owned());
    assert_eq!(
        name("arn:aws:ecs:eu-west-1:012345678910:service/prod/web"),
        web
    );
    assert_eq!(name("arn:aws:ecs:eu-west-1:012345678910:service/web"), web);
    assert!(name("arn:aws:ecs:eu-west-1:012345678910:cluster/web").is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_upsets_the_parsers(text in ".*") {
        let _ = (TaskArn::parse(&text), ServiceArn::parse(&text), ClusterName::parse(&text));
    }
}
