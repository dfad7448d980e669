#include "dockershim/container_spec.h"

#include <gtest/gtest.h>

namespace kpp::dockershim {
namespace {

ContainerRequest request() {
  ContainerRequest out;
  out.sandbox_id = "abc";
  out.config.metadata.emplace().name = "c";
  out.config.image.emplace().image = "sha256:1";
  out.config.log_path = "c/0.log";
  out.sandbox.log_directory = "/var/log/pods/x";
  out.sandbox.linux.emplace().cgroup_parent = "/kubepods/besteffort/pod1";
  return out;
}

json::Value spec_of(const ContainerRequest& r, const EngineFacts& facts = {}) {
  auto spec = container_spec(r, facts);
  return spec ? json::Value(*spec) : json::Value();
}

std::string text(const json::Value& value, std::string_view path) {
  const json::Value* found = json::find(value, path);
  return found == nullptr ? "none" : json::write(*found);
}

TEST(ContainerSpec, PutsAContainerIntoItsSandboxsNamespaces) {
  const json::Value spec = spec_of(request());
  EXPECT_EQ(json::text_at(spec, "HostConfig.NetworkMode"), "container:abc");
  EXPECT_EQ(json::text_at(spec, "HostConfig.IpcMode"), "container:abc");
  EXPECT_EQ(json::text_at(spec, "HostConfig.CgroupParent"), "/kubepods/besteffort/pod1");
  const json::Value* labels = json::find(spec, "Labels");
  ASSERT_NE(labels, nullptr);
  EXPECT_EQ(labels->at("io.kubernetes.container.logpath"), "/var/log/pods/x/c/0.log");
  EXPECT_EQ(labels->at("io.kubernetes.sandbox.id"), "abc");
}

TEST(ContainerSpec, NamesASliceForTheSystemdDriver) {
  ContainerRequest r = request();
  r.sandbox.linux->cgroup_parent = "/kubepods.slice/kubepods-pod1.slice";
  EXPECT_EQ(json::text_at(spec_of(r, {.systemd_cgroups = true}), "HostConfig.CgroupParent"),
            "kubepods-pod1.slice");
}

TEST(ContainerSpec, CommandReplacesTheImagesEntrypointAndArgsItsCommand) {
  ContainerRequest r = request();
  EXPECT_EQ(text(spec_of(r), "Entrypoint"), "none");
  r.config.command = {"sh"};
  r.config.args = {"-c", "true"};
  EXPECT_EQ(text(spec_of(r), "Entrypoint"), R"(["sh"])");
  EXPECT_EQ(text(spec_of(r), "Cmd"), R"(["-c","true"])");
}

TEST(ContainerSpec, MountsAreBindsUnlessTheirPathsHaveColons) {
  ContainerRequest r = request();
  auto& plain = r.config.mounts.emplace_back();
  plain.host_path = "/a";
  plain.container_path = "/b";
  plain.readonly = true;
  plain.propagation = cri::PROPAGATION_HOST_TO_CONTAINER;
  auto& colon = r.config.mounts.emplace_back();
  colon.host_path = "/a:1";
  colon.container_path = "/c";
  const json::Value spec = spec_of(r);
  EXPECT_EQ(text(spec, "HostConfig.Binds"), R"(["/a:/b:ro,rslave"])");
  EXPECT_EQ(text(spec, "HostConfig.Mounts"),
            R"([{"Type":"bind","Source":"/a:1","Target":"/c","ReadOnly":false}])");
}

TEST(ContainerSpec, ScoresBelowWhatTheMachineAllowsAreRaised) {
  ContainerRequest r = request();
  auto& resources = r.config.linux.emplace().resources.emplace();
  resources.oom_score_adj = -997;
  resources.memory_limit_in_bytes = 1000;
  const json::Value spec = spec_of(r, {.lowest_oom_score_adj = 0});
  EXPECT_EQ(json::int_at(spec, "HostConfig.OomScoreAdj", 1), 0);
  // No swap beside the memory.
  EXPECT_EQ(json::int_at(spec, "HostConfig.MemorySwap"), 1000);
  EXPECT_EQ(json::int_at(spec_of(r), "HostConfig.OomScoreAdj"), -997);
}

TEST(ContainerSpec, WhatDockerCannotDoIsUnimplementedAndSaysWhy) {
  const auto refusal = [](const ContainerRequest& r) {
    const auto spec = container_spec(r, {});
    return spec ? std::string() : spec.error().to_string();
  };
  ContainerRequest image = request();
  image.config.mounts.emplace_back().image.emplace().image = "x";
  EXPECT_EQ(refusal(image), "rpc error: code = Unimplemented desc = docker cannot mount images");
  ContainerRequest users = request();
  users.config.linux.emplace()
      .security_context.emplace()
      .namespace_options.emplace()
      .userns_options.emplace()
      .mode = cri::POD;
  EXPECT_EQ(refusal(users),
            "rpc error: code = Unimplemented desc = docker cannot give a pod a user "
            "namespace of its own");
  ContainerRequest pages = request();
  pages.config.linux.emplace().resources.emplace().hugepage_limits.emplace_back().limit = 1;
  EXPECT_TRUE(refusal(pages).contains("huge pages"));
  ContainerRequest group = request();
  group.config.linux.emplace().security_context.emplace().run_as_group.emplace().value = 1;
  EXPECT_TRUE(refusal(group).contains("runAsGroup is specified without a runAsUser"));
}

TEST(SandboxSpec, HasANetworkOfItsOwnThatCniFills) {
  SandboxRequest r;
  r.config.metadata.emplace().name = "p";
  r.config.hostname = "p";
  r.image = "pause";
  auto& port = r.config.port_mappings.emplace_back();
  port.host_port = 8080;
  port.container_port = 80;
  auto spec = sandbox_spec(r, {});
  ASSERT_TRUE(spec);
  const json::Value value = *spec;
  EXPECT_EQ(json::text_at(value, "HostConfig.NetworkMode"), "none");
  EXPECT_EQ(json::text_at(value, "HostConfig.IpcMode"), "shareable");
  EXPECT_EQ(json::text_at(value, "Hostname"), "p");
  EXPECT_EQ(value.at("Labels").at("io.kubernetes.sandbox.ports"),
            R"([{"hostPort":8080,"containerPort":80,"protocol":"tcp"}])");
}

TEST(SandboxSpec, OnTheHostsNetworkHasItsName) {
  SandboxRequest r;
  r.config.hostname = "p";
  r.config.linux.emplace().security_context.emplace().namespace_options.emplace().network =
      cri::NODE;
  auto spec = sandbox_spec(r, {});
  ASSERT_TRUE(spec);
  const json::Value value = *spec;
  EXPECT_EQ(json::text_at(value, "HostConfig.NetworkMode"), "host");
  EXPECT_EQ(json::text_at(value, "HostConfig.UTSMode"), "host");
  EXPECT_EQ(text(value, "Hostname"), "none");
}

TEST(ResolvConf, HasServersSearchesAndOptions) {
  cri::DNSConfig dns;
  dns.servers = {"10.96.0.10", "1.1.1.1"};
  dns.searches = {"a", "b"};
  dns.options = {"ndots:5"};
  EXPECT_EQ(resolv_conf(dns),
            "nameserver 10.96.0.10\nnameserver 1.1.1.1\nsearch a b\noptions ndots:5\n");
}

}  // namespace
}  // namespace kpp::dockershim
