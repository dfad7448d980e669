#include "api/json_codec.h"

#include <gtest/gtest.h>

#include "api/appsv1.h"
#include "api/coordinationv1.h"
#include "api/corev1.h"
#include "api/json_body.h"
#include "api/rbacv1.h"

namespace kpp::api {
namespace {

// What is wrong with the text; it is the same for the text and for its document.
template <class T>
std::string error_of(std::string_view text) {
  const auto result = parse_json<T>(text);
  const auto document = json::parse(text);
  T other;
  const Status status = document ? from_json(*document, T::desc(), &other) : document.error();
  EXPECT_EQ(status.ok() ? "" : status.message(), result ? "" : result.error().message());
  return result ? "no error" : result.error().message();
}

template <class T>
std::string round_trip(std::string_view text) {
  const auto result = parse_json<T>(text);
  return result ? to_json(*result) : result.error().message();
}

TEST(JsonCodec, WritesTypeFirstAndStructsAlways) {
  corev1::Pod pod;
  pod.metadata.name = "p";
  EXPECT_EQ(
      to_json(pod),
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"containers":null},"status":{}})");
}

TEST(JsonCodec, RoundTripsAPod) {
  constexpr std::string_view kPod =
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","creationTimestamp":"2026-01-02T03:04:05Z",)"
      R"("labels":{"a":"<b>","z":""}},"spec":{"containers":[{"name":"c","ports":[{"containerPort":80}],)"
      R"("env":[{"name":"A","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"0"}}}],)"
      R"("resources":{"limits":{"cpu":"100m","memory":"1Gi"}},)"
      R"("livenessProbe":{"httpGet":{"port":"web"},"initialDelaySeconds":1},"securityContext":{"privileged":false}}],)"
      R"("terminationGracePeriodSeconds":0},"status":{"conditions":[{"type":"Ready","status":"True",)"
      R"("lastProbeTime":null,"lastTransitionTime":null}]}})";
  std::string expected(kPod);
  expected.replace(expected.find("<b>"), 3, "\\u003cb\\u003e");
  EXPECT_EQ(round_trip<corev1::Pod>(kPod), expected);
}

TEST(JsonCodec, DocumentEqualsText) {
  const auto pod = parse_json<corev1::Pod>(
      R"({"metadata":{"name":"p","labels":{"a":"b"}},"spec":{"containers":[{}]}})");
  ASSERT_TRUE(pod);
  EXPECT_EQ(json::write(to_document(*pod)), to_json(*pod));
}

TEST(JsonCodec, ManagedFieldsCanBeLeftOut) {
  constexpr std::string_view kText =
      R"({"metadata":{"name":"p","managedFields":[{"manager":"m","fieldsV1":{"f:a":{}}}],"uid":"u"}})";
  corev1::Pod pod;
  ASSERT_TRUE(
      from_json_text(kText, corev1::Pod::desc(), &pod, {.without_managed_fields = true}).ok());
  EXPECT_TRUE(pod.metadata.managed_fields.empty());
  EXPECT_EQ(pod.metadata.uid, "u");
}

TEST(JsonCodec, BytesAreBase64) {
  EXPECT_EQ(round_trip<corev1::Secret>(R"({"data":{"a":"aGVsbG8=","b":""}})"),
            R"({"kind":"Secret","apiVersion":"v1","metadata":{},"data":{"a":"aGVsbG8=","b":""}})");
  EXPECT_EQ(error_of<corev1::Secret>(R"({"data":{"a":"not base64!"}})"),
            "illegal base64 data at input byte 3");
}

TEST(JsonCodec, EmptyListsThatAreAlwaysWrittenAreNull) {
  EXPECT_EQ(
      round_trip<rbacv1::Role>(R"({"rules":[]})"),
      R"({"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{},"rules":null})");
  EXPECT_EQ(to_json(corev1::PodList()),
            R"({"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]})");
}

TEST(JsonCodec, ItemsOfListsCarryNoType) {
  corev1::ConfigMapList list;
  list.items.emplace_back().metadata.name = "c";
  EXPECT_EQ(
      to_json(list),
      R"({"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"c"}}]})");
}

TEST(JsonCodec, TypeErrorsNameStructFieldAndType) {
  EXPECT_EQ(error_of<corev1::Pod>(R"({"spec":{"containers":"x"}})"),
            "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type "
            "[]v1.Container");
  EXPECT_EQ(error_of<corev1::Pod>(R"({"spec":{"containers":[1]}})"),
            "json: cannot unmarshal number into Go struct field PodSpec.spec.containers of type "
            "v1.Container");
  EXPECT_EQ(
      error_of<corev1::Pod>(R"({"spec":{"containers":[{"ports":[{"containerPort":"80"}]}]}})"),
      "json: cannot unmarshal string into Go struct field "
      "ContainerPort.spec.containers.ports.containerPort of "
      "type int32");
  EXPECT_EQ(error_of<appsv1::Deployment>(R"({"spec":{"replicas":1.5}})"),
            "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas "
            "of type int32");
  EXPECT_EQ(error_of<appsv1::Deployment>(R"({"spec":{"replicas":99999999999}})"),
            "json: cannot unmarshal number 99999999999 into Go struct field "
            "DeploymentSpec.spec.replicas of type int32");
  EXPECT_EQ(error_of<corev1::ConfigMap>(R"({"data":{"a":1}})"),
            "json: cannot unmarshal number into Go struct field ConfigMap.data of type string");
  EXPECT_EQ(
      error_of<corev1::ConfigMap>(R"({"data":["x"]})"),
      "json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string");
  EXPECT_EQ(
      error_of<corev1::ConfigMap>(R"({"metadata":{"labels":{"a":true}}})"),
      "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string");
}

TEST(JsonCodec, BadTimesAndQuantitiesAnswerTheirParsersTexts) {
  EXPECT_EQ(
      error_of<coordinationv1::Lease>(R"({"spec":{"renewTime":"yesterday"}})"),
      R"(parsing time "yesterday" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "yesterday" as "2006")");
  EXPECT_EQ(error_of<corev1::ConfigMap>(R"({"metadata":{"creationTimestamp":"nope"}})"),
            R"(parsing time "nope" as "2006-01-02T15:04:05Z07:00": cannot parse "nope" as "2006")");
  EXPECT_EQ(
      error_of<corev1::Pod>(R"({"spec":{"containers":[{"resources":{"limits":{"cpu":"1x"}}}]}})"),
      "quantities must match the regular expression "
      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

TEST(JsonCodec, NullsInMapsAreZeroValues) {
  EXPECT_EQ(round_trip<corev1::ConfigMap>(R"({"data":{"a":null}})"),
            R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{},"data":{"a":""}})");
}

TEST(JsonCodec, UnknownFieldsAreListedInOrder) {
  const auto document = json::parse(
      R"({"kind":"Pod","spec":{"containers":[{"name":"c","foo":1}],"bar":{"x":1}},"unknownTop":true,"Metadata":{}})");
  std::vector<std::string> unknown;
  corev1::Pod pod;
  ASSERT_TRUE(from_json(*document, corev1::Pod::desc(), &pod, {.unknown_fields = &unknown}).ok());
  EXPECT_EQ(unknown, (std::vector<std::string>{"spec.containers[0].foo", "spec.bar", "unknownTop",
                                               "Metadata"}));
}

TEST(JsonCodec, EqualComparesByValue) {
  const auto a = parse_json<corev1::Pod>(
      R"({"spec":{"containers":[{"resources":{"limits":{"cpu":"1000m"}}}]}})");
  const auto b =
      parse_json<corev1::Pod>(R"({"spec":{"containers":[{"resources":{"limits":{"cpu":"1"}}}]}})");
  EXPECT_TRUE(equal(*a, *b));
  auto c = *b;
  c.spec.containers[0].name = "x";
  EXPECT_FALSE(equal(*b, c));
}

template <class T>
std::optional<JsonBody> body_of(std::string_view text, T& out) {
  return read_json_body(text, T::desc(), &out);
}

TEST(JsonBody, NotesTypeAndEmptyLists) {
  corev1::Pod pod;
  const auto body =
      body_of(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","finalizers":[]},)"
              R"("spec":{"tolerations":[],"containers":[{"name":"c","args":[]}]}})",
              pod);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->kind, "Pod");
  EXPECT_EQ(body->api_version, "v1");
  EXPECT_EQ(body->empty_lists,
            (std::vector<std::string>{"metadata.finalizers", "spec.tolerations"}));
  EXPECT_EQ(pod.spec.containers.at(0).name, "c");
}

TEST(JsonBody, IsNotReadWhereSomethingWantsAReport) {
  for (const std::string_view text :
       {R"({"metadata":{"name":"p"})", R"({"metadata":{"name":1}})", R"({"foo":1})",
        R"({"metadata":{"foo":{}}})", R"({"metadata":{"name":"a","name":"a"}})",
        R"({"metadata":{"labels":{"a":"1","a":"1"}}})", R"({"kind":"Pod","kind":"Pod"})",
        R"({"kind":1})", R"([])", R"(null)", R"({} x)", ""}) {
    corev1::Pod pod;
    EXPECT_FALSE(body_of(text, pod)) << text;
  }
}

TEST(JsonBody, MembersOfTheSameNameInSeveralItemsAreNoDuplicates) {
  corev1::Pod pod;
  EXPECT_TRUE(body_of(R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})", pod));
}

// The original compares the bytes of such values when it asks whether they changed.
TEST(JsonBody, RawValuesKeepTheirSpacesInOneLine) {
  appsv1::ControllerRevision revision;
  ASSERT_TRUE(body_of("{\"data\":{\"a\": [1,\n\t\"b\\n\"]},\"revision\":1}", revision));
  EXPECT_EQ(revision.data.json, R"({"a": [1,  "b\n"]})");
}

}  // namespace
}  // namespace kpp::api
