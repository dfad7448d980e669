// Rules of kinds, as tables: an object, and what is wrong with it.
#include <gtest/gtest.h>

#include "api/defaults/defaults.h"
#include "api/json_codec.h"
#include "api/meta.h"
#include "codec/json.h"
#include "validation/validate.h"

namespace kpp::validation {
namespace {

struct Row {
  std::string_view name;
  std::string_view object;
  std::string_view faults;  // a line each
};

std::string faults_of(std::string_view group, std::string_view version, std::string_view kind,
                      std::string_view json) {
  const api::TypeDesc* type = api::find_type(group, version, kind);
  if (type == nullptr) return "no such kind";
  const auto document = json::parse(json);
  if (!document) return document.error().message();
  api::Object object(*type);
  if (Status s = api::from_json(*document, *type, object.data()); !s.ok()) return s.message();
  if (type->resource && type->resource->namespaced) api::metadata(object)->namespace_ = "default";
  api::apply_defaults(object);
  std::string out;
  for (const FieldError& error : validate_create(object, {}).all())
    out += cat(error.to_string(), "\n");
  return out;
}

constexpr std::string_view kAdmission = "admissionregistration.k8s.io";

class Webhooks : public testing::TestWithParam<Row> {};

TEST_P(Webhooks, AreHeldToTheirRules) {
  EXPECT_EQ(faults_of(kAdmission, "v1", "ValidatingWebhookConfiguration", GetParam().object),
            GetParam().faults);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, Webhooks,
    testing::Values(
        Row{"good",
            R"({"metadata":{"name":"w"},"webhooks":[{"name":"a.b.c","clientConfig":{"url":"https://h/x"},
            "sideEffects":"None","admissionReviewVersions":["v1"]}]})",
            ""},
        Row{"empty", R"({"metadata":{"name":"w"},"webhooks":[{"name":"a.b.c"}]})",
            "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun\n"
            "webhooks[0].clientConfig: Required value: exactly one of url or service is required\n"
            "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, "
            "v1beta1\n"},
        Row{"url",
            R"({"metadata":{"name":"w"},"webhooks":[{"name":"a.b.c","clientConfig":{"url":"http://u@h/y?q=1#f"},
            "sideEffects":"None","admissionReviewVersions":["v1"]}]})",
            "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed "
            "URL scheme; desired format: "
            "https://host[/path]\n"
            "webhooks[0].clientConfig.url: Invalid value: \"u\": user information is not permitted "
            "in the URL\n"
            "webhooks[0].clientConfig.url: Invalid value: \"f\": fragments are not permitted in "
            "the URL\n"
            "webhooks[0].clientConfig.url: Invalid value: \"q=1\": query parameters are not "
            "permitted in the URL\n"},
        Row{"rules",
            R"({"metadata":{"name":"w"},"webhooks":[{"name":"a.b.c","clientConfig":{"url":"https://h/x"},
            "sideEffects":"None","admissionReviewVersions":["v1"],
            "rules":[{"apiGroups":["*","a"],"apiVersions":[""],"operations":["READ"],"resources":["a/*","a/b","*","c"]}]}]})",
            "webhooks[0].rules[0].operations[0]: Unsupported value: \"READ\": supported values: "
            "\"*\", \"CONNECT\", \"CREATE\", "
            "\"DELETE\", \"UPDATE\"\n"
            "webhooks[0].rules[0].apiGroups: Invalid value: [\"*\",\"a\"]: if '*' is present, must "
            "not specify other API groups\n"
            "webhooks[0].rules[0].apiVersions[0]: Required value\n"
            "webhooks[0].rules[0].resources[1]: Invalid value: \"a/b\": if 'a/*' is present, must "
            "not specify a/b\n"
            "webhooks[0].rules[0].resources: Invalid value: [\"a/*\",\"a/b\",\"*\",\"c\"]: if '*' "
            "is present, must not specify "
            "other resources without subresources\n"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(AdmissionPolicy, SaysWhatItMatchesAndChecks) {
  EXPECT_EQ(faults_of(kAdmission, "v1", "ValidatingAdmissionPolicy",
                      R"({"metadata":{"name":"p"},"spec":{}})"),
            "spec.matchConstraints: Required value\n"
            "spec.validations: Required value: validations or auditAnnotations must contain at "
            "least one item\n"
            "spec.auditAnnotations: Required value: validations or auditAnnotations must contain "
            "at least one item\n");
  EXPECT_EQ(faults_of(kAdmission, "v1", "MutatingAdmissionPolicy",
                      R"({"metadata":{"name":"p"},"spec":{}})"),
            "spec.matchConstraints: Required value\n"
            "spec.mutations: Required value: mutations must contain at least one item\n"
            "spec.reinvocationPolicy: Required value\n");
}

TEST(SigningRequest, NamesItsSignerAndItsUse) {
  const auto faults = [](std::string_view spec) {
    return faults_of("certificates.k8s.io", "v1", "CertificateSigningRequest",
                     cat(R"({"metadata":{"name":"c"},"spec":)", spec, "}"));
  };
  EXPECT_EQ(faults("{}"),
            "spec.request: Invalid value: null: PEM block type must be CERTIFICATE REQUEST\n"
            "spec.usages: Required value\n"
            "spec.signerName: Required value\n");
  EXPECT_EQ(
      faults(
          R"({"request":"AAAA","signerName":"x","usages":["any","any"],"expirationSeconds":10})"),
      "spec.request: Invalid value: \"AAAA\": PEM block type must be CERTIFICATE REQUEST\n"
      "spec.usages[1]: Duplicate value: \"any\"\n"
      "spec.signerName: Invalid value: \"x\": must be a fully qualified domain and path of the "
      "form "
      "'example.com/signer-name'\n"
      "spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 600 seconds "
      "(10 minutes)\n");
}

constexpr std::string_view kFlowControl = "flowcontrol.apiserver.k8s.io";

TEST(FlowSchema, NamesItsLevelAndItsSubjects) {
  EXPECT_EQ(
      faults_of(kFlowControl, "v1", "FlowSchema",
                R"({"metadata":{"name":"f"},"spec":{"matchingPrecedence":1,
          "priorityLevelConfiguration":{"name":""},"rules":[{"subjects":[{"kind":"User","group":{"name":"g"}}],
          "resourceRules":[{"verbs":["see"],"apiGroups":["*","a"],"resources":["*"]}]}]}})"),
      "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have "
      "matchingPrecedence 1\n"
      "spec.priorityLevelConfiguration.name: Required value: must reference a priority level\n"
      "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is "
      "'User'\n"
      "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not "
      "'Group'\n"
      "spec.rules[0].resourceRules[0].verbs: Unsupported value: [\"see\"]: supported values: "
      "\"create\", \"delete\", "
      "\"deletecollection\", \"get\", \"list\", \"patch\", \"proxy\", \"update\", \"watch\"\n"
      "spec.rules[0].resourceRules[0].apiGroups: Invalid value: [\"*\",\"a\"]: if '*' is present, "
      "must not specify other api "
      "groups\n"
      "spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not "
      "cluster scoped must supply at "
      "least one namespace\n");
}

TEST(PriorityLevel, HandsFitTheirDeck) {
  const auto faults = [](std::string_view queuing) {
    return faults_of(
        kFlowControl, "v1", "PriorityLevelConfiguration",
        cat(R"({"metadata":{"name":"p"},"spec":{"type":"Limited","limited":{"limitResponse":{"type":"Queue",
                         "queuing":)",
            queuing, "}}}}"));
  };
  EXPECT_EQ(faults(R"({"queues":64,"handSize":6,"queueLengthLimit":50})"), "");
  EXPECT_EQ(faults(R"({"queues":4,"handSize":6,"queueLengthLimit":50})"),
            "spec.limited.limitResponse.queuing.handSize: Invalid value: 6: should not be greater "
            "than queues (4)\n");
  EXPECT_EQ(
      faults(R"({"queues":1024,"handSize":8,"queueLengthLimit":-1})"),
      "spec.limited.limitResponse.queuing.queueLengthLimit: Invalid value: -1: must be positive\n"
      "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of "
      "deckSize 1024 and handSize "
      "8 should not be greater than 60\n");
}

TEST(ServiceRange, HasOneRangeOfAFamily) {
  const auto faults = [](std::string_view cidrs) {
    return faults_of("networking.k8s.io", "v1", "ServiceCIDR",
                     cat(R"({"metadata":{"name":"s"},"spec":{"cidrs":)", cidrs, "}}"));
  };
  EXPECT_EQ(faults(R"(["10.0.0.0/16","fd00::/112"])"), "");
  EXPECT_EQ(faults("[]"), "spec.cidrs: Required value: at least one CIDR required\n");
  EXPECT_EQ(faults(R"(["10.0.0.0/16","10.1.0.0/16"])"),
            "spec.cidrs: Invalid value: [\"10.0.0.0/16\",\"10.1.0.0/16\"]: may specify no more "
            "than one IP for each IP family, "
            "i.e 192.168.0.0/24 and 2001:db8::/96\n");
}

TEST(NewEvent, SaysWhoReportsAndWhen) {
  EXPECT_EQ(faults_of("events.k8s.io", "v1", "Event",
                      R"({"metadata":{"name":"e"},"regarding":{"namespace":"default"},
                "reportingController":"a.b/c","reportingInstance":"i","action":"A","reason":"R","type":"Odd",
                "deprecatedCount":2})"),
            "eventTime: Required value\n"
            "type: Invalid value: \"\": has invalid value: Odd\n"
            "count: Invalid value: \"\": needs to be unset\n");
}

TEST(ResourceClaim, ConstraintsNameRequests) {
  EXPECT_EQ(faults_of("resource.k8s.io", "v1", "ResourceClaim",
                      R"({"metadata":{"name":"r"},"spec":{"devices":{
              "requests":[{"name":"a"},{"name":"a","exactly":{"deviceClassName":"c"}}],
              "constraints":[{"requests":["zz"],"matchAttribute":"plain"}]}}})"),
            "spec.devices.requests[0]: Required value: exactly one of `exactly` or "
            "`firstAvailable` is required\n"
            "spec.devices.requests[1]: Duplicate value: \"a\"\n"
            "spec.devices.constraints[0].requests[0]: Invalid value: \"zz\": must be the name of a "
            "request in the claim or the "
            "name of a request and a subrequest separated by '/'\n"
            "spec.devices.constraints[0].matchAttribute: Invalid value: \"plain\": must include a "
            "domain\n");
}

}  // namespace
}  // namespace kpp::validation
