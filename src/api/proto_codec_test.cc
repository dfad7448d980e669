#include "api/proto_codec.h"

#include <gtest/gtest.h>

#include "api/corev1.h"
#include "api/cri.h"
#include "api/json_codec.h"

namespace kpp::api {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char c : bytes) {
    out.push_back("0123456789abcdef"[c >> 4]);
    out.push_back("0123456789abcdef"[c & 15]);
  }
  return out;
}

TEST(ProtoCodec, WritesValuesEvenWhenEmpty) {
  corev1::Container container;
  container.name = "c";
  // name, image, workingDir, resources, terminationMessagePath, imagePullPolicy, stdin, stdinOnce,
  // tty, policy
  EXPECT_EQ(hex(to_proto(container)),
            "0a01631200"
            "2a00"
            "4200"
            "6a00"
            "7200"
            "800100"
            "880100"
            "900100"
            "a20100");
}

TEST(ProtoCodec, SpecialTypesHaveTheirMessages) {
  corev1::ServicePort port;
  port.target_port = IntOrString("web");
  EXPECT_EQ(hex(to_proto(port)),
            "0a00"
            "1200"
            "1800"
            "2209"
            "0801"
            "1000"
            "1a03776562"
            "2800");
}

TEST(ProtoCodec, RoundTripsAPod) {
  const auto pod = parse_json<corev1::Pod>(
      R"({"metadata":{"name":"p","creationTimestamp":"2026-01-02T03:04:05Z","labels":{"a":"b","c":""}},"spec":)"
      R"({"containers":[{"name":"c","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"1"}},)"
      R"("livenessProbe":{"httpGet":{"port":8080}}}],"terminationGracePeriodSeconds":0,)"
      R"("volumes":[{"name":"v","emptyDir":{}}]},"status":{"conditions":[{"type":"Ready"}]}})");
  ASSERT_TRUE(pod);
  const auto back = parse_proto<corev1::Pod>(to_proto(*pod));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(to_json(*back), to_json(*pod));
}

TEST(ProtoCodec, EnvelopeNamesTheType) {
  corev1::ConfigMap map;
  map.data["a"] = "b";
  const auto envelope = parse_envelope(to_envelope(corev1::ConfigMap::desc(), &map));
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->api_version, "v1");
  EXPECT_EQ(envelope->kind, "ConfigMap");
  EXPECT_EQ(to_json(*parse_proto<corev1::ConfigMap>(envelope->raw)), to_json(map));
}

TEST(ProtoCodec, RuntimeMessagesFollowProto3) {
  cri::VersionRequest request;
  EXPECT_EQ(to_proto(request), "");
  request.version = "v1";
  EXPECT_EQ(hex(to_proto(request)), "0a027631");
  cri::LinuxContainerSecurityContext context;
  context.supplemental_groups = {1, 300};
  EXPECT_EQ(hex(to_proto(context)), "420301ac02");
  EXPECT_EQ(parse_proto<cri::LinuxContainerSecurityContext>(to_proto(context))->supplemental_groups,
            context.supplemental_groups);
}

TEST(ProtoCodec, RefusesCutBytes) {
  corev1::Pod pod;
  pod.metadata.name = "p";
  const std::string bytes = to_proto(pod);
  EXPECT_FALSE(parse_proto<corev1::Pod>(bytes.substr(0, bytes.size() - 1)));
  EXPECT_FALSE(parse_envelope("{}"));
}

}  // namespace
}  // namespace kpp::api
