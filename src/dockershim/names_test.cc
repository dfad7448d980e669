#include "dockershim/names.h"

#include <gtest/gtest.h>

namespace kpp::dockershim {
namespace {

cri::PodSandboxMetadata pod() {
  cri::PodSandboxMetadata out;
  out.name = "web-0";
  out.namespace_ = "default";
  out.uid = "1f2e";
  out.attempt = 2;
  return out;
}

TEST(Names, AreThoseThatDockerPsShows) {
  cri::ContainerMetadata container;
  container.name = "nginx";
  container.attempt = 3;
  EXPECT_EQ(sandbox_name(pod()), "k8s_POD_web-0_default_1f2e_2");
  EXPECT_EQ(container_name(pod(), container), "k8s_nginx_web-0_default_1f2e_3");
}

TEST(Names, AreReadBackWithDockersSlashAndARandomEnd) {
  const ContainerName nginx{"nginx", "web-0", "default", "1f2e", 3};
  EXPECT_EQ(parse_name("/k8s_nginx_web-0_default_1f2e_3"), nginx);
  EXPECT_EQ(parse_name("k8s_nginx_web-0_default_1f2e_3_x7f2"), nginx);
  EXPECT_TRUE(parse_name("k8s_POD_web-0_default_1f2e_0")->is_sandbox());
}

TEST(Names, OfOthersContainersAreNone) {
  for (const char* name : {"", "/", "redis", "k8s_a_b_c_d", "k8s_a_b_c_d_e", "k8s_a_b_c_d_1x",
                           "k9s_a_b_c_d_1", "k8s_a_b_c_d_1_2_3", "k8s_a_b_c_d_-1"}) {
    EXPECT_FALSE(parse_name(name)) << name;
  }
}

TEST(DockerLabels, KeepLabelsAndAnnotationsApart) {
  Labels docker = to_docker_labels({{"app", "x"}}, {{"app", "y"}}, label::kTypeContainer);
  EXPECT_EQ(docker.at("io.kubernetes.docker.type"), "container");
  EXPECT_EQ(docker.at("annotation.app"), "y");
  docker[std::string(label::kSandboxId)] = "id";
  const KubernetesLabels back = from_docker_labels(docker);
  EXPECT_EQ(back.labels, (Labels{{"app", "x"}}));
  EXPECT_EQ(back.annotations, (Labels{{"app", "y"}}));
}

}  // namespace
}  // namespace kpp::dockershim
