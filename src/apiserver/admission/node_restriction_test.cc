#include <gtest/gtest.h>

#include "api/authenticationv1.h"
#include "api/corev1.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/admission/policy/policy_programs.h"
#include "apiserver/testing/cached_cluster.h"

namespace kpp::apiserver {
namespace {

using testing::CachedCluster;

class NodeRestrictionTest : public ::testing::Test {
 protected:
  NodeRestrictionTest() {
    user_.name = "system:node:n1";
    user_.groups = {"system:nodes"};
    cluster_.put("minions/n1",
                 R"({"kind":"Node","apiVersion":"v1","metadata":{"name":"n1","uid":"node-uid"}})");
    cluster_.put(
        "pods/ns/p",
        R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"ns","uid":"pod-uid"},"spec":{"nodeName":"n1",)"
        R"("containers":[],"volumes":[{"name":"t","projected":{"sources":[{"serviceAccountToken":{"path":"t"}},)"
        R"({"serviceAccountToken":{"path":"v","audience":"vault"}}]}}]}})");
    cluster_.show();
  }

  AdmissionRequest request(std::string_view resource, Operation operation, std::string name,
                           std::string subresource = {}) {
    AdmissionRequest out;
    out.operation = operation;
    out.resource = cluster_.table.find("", "v1", resource);
    out.subresource = std::move(subresource);
    out.namespace_ = out.resource->desc->namespaced ? "ns" : "";
    out.name = std::move(name);
    out.user = &user_;
    return out;
  }
  // The message, or empty.
  template <class T>
  std::string admit(T value, const AdmissionRequest& request) {
    api::Object object = api::Object::of(value);
    return plugin_
        .mutate(object, request, Lookup(cluster_.cache, cluster_.table, nullptr, policies_))
        .message();
  }
  template <class T>
  std::string update(T value, const T& old, AdmissionRequest request) {
    const api::Object before = api::Object::of(old);
    request.old_object = &before;
    return admit(std::move(value), request);
  }

  CachedCluster cluster_;
  PolicyPrograms policies_;
  User user_;
  const Plugin plugin_ = node_restriction_plugin();
};

corev1::Pod mirror_pod() {
  corev1::Pod out;
  out.metadata.name = "m";
  out.metadata.namespace_ = "ns";
  out.metadata.annotations["kubernetes.io/config.mirror"] = "x";
  out.spec.node_name = "n1";
  auto& owner = out.metadata.owner_references.emplace_back();
  owner.api_version = "v1";
  owner.kind = "Node";
  owner.name = "n1";
  owner.uid = "node-uid";
  owner.controller = true;
  return out;
}

TEST_F(NodeRestrictionTest, ANodeMakesMirrorPodsOfItsOwnAlone) {
  const auto create = request("pods", Operation::kCreate, "m");
  EXPECT_EQ(admit(mirror_pod(), create), "");
  corev1::Pod plain = mirror_pod();
  plain.metadata.annotations.clear();
  EXPECT_EQ(admit(plain, create),
            "pods \"m\" is forbidden: pod does not have \"kubernetes.io/config.mirror\" "
            "annotation, node \"n1\" can only create mirror pods");
  corev1::Pod elsewhere = mirror_pod();
  elsewhere.spec.node_name = "n2";
  EXPECT_EQ(admit(elsewhere, create),
            "pods \"m\" is forbidden: node \"n1\" can only create pods with spec.nodeName set to "
            "itself");
  corev1::Pod orphan = mirror_pod();
  orphan.metadata.owner_references.clear();
  EXPECT_EQ(admit(orphan, create),
            "pods \"m\" is forbidden: node \"n1\" can only create pods with an owner reference "
            "set to itself");
  corev1::Pod curious = mirror_pod();
  curious.spec.volumes.emplace_back().volume_source.secret.emplace().secret_name = "s";
  EXPECT_EQ(admit(curious, create),
            "pods \"m\" is forbidden: node \"n1\" can not create pods that reference secrets");
}

TEST_F(NodeRestrictionTest, ANodeDeletesPodsOfItsOwnAlone) {
  corev1::Pod pod = mirror_pod();
  const auto remove = [&] {
    const api::Object object = api::Object::of(pod);
    auto asked = request("pods", Operation::kDelete, "m");
    asked.old_object = &object;
    return plugin_.validate_delete(asked,
                                   Lookup(cluster_.cache, cluster_.table, nullptr, policies_));
  };
  EXPECT_TRUE(remove().ok());
  pod.spec.node_name = "n2";
  EXPECT_EQ(remove().message(),
            "pods \"m\" is forbidden: node \"n1\" can only delete pods with spec.nodeName set to "
            "itself");
}

TEST_F(NodeRestrictionTest, StatusIsOfTheNodesPodsAndLeavesLabelsAlone) {
  const auto status = request("pods", Operation::kUpdate, "m", "status");
  const corev1::Pod pod = mirror_pod();
  EXPECT_EQ(update(pod, pod, status), "");
  corev1::Pod labelled = pod;
  labelled.metadata.labels["a"] = "b";
  EXPECT_EQ(update(labelled, pod, status),
            "pods \"m\" is forbidden: node \"n1\" cannot update labels through pod status");
  corev1::Pod elsewhere = pod;
  elsewhere.spec.node_name = "n2";
  EXPECT_EQ(update(elsewhere, elsewhere, status),
            "pods \"m\" is forbidden: node \"n1\" can only update pod status for pods with "
            "spec.nodeName set to itself");
  EXPECT_EQ(update(pod, pod, request("pods", Operation::kUpdate, "m")),
            "pods \"m\" is forbidden: unexpected operation \"UPDATE\", node \"n1\" can only create "
            "and delete mirror pods");
}

TEST_F(NodeRestrictionTest, ANodeChangesItselfButNotWhereWorkGoes) {
  corev1::Node node;
  node.metadata.name = "n1";
  node.metadata.labels = {{"kubernetes.io/hostname", "n1"}, {"team", "a"}};
  EXPECT_EQ(admit(node, request("nodes", Operation::kCreate, "n1")), "");
  EXPECT_EQ(admit(node, request("nodes", Operation::kCreate, "n2")),
            "nodes \"n2\" is forbidden: node \"n1\" is not allowed to modify node \"n2\"");
  corev1::Node master = node;
  master.metadata.labels["node-role.kubernetes.io/control-plane"] = "";
  master.metadata.labels["x.node-restriction.kubernetes.io/a"] = "";
  EXPECT_EQ(admit(master, request("nodes", Operation::kCreate, "n1")),
            "nodes \"n1\" is forbidden: node \"n1\" is not allowed to set the following labels: "
            "node-role.kubernetes.io/control-plane, x.node-restriction.kubernetes.io/a");
  const auto change = request("nodes", Operation::kUpdate, "n1");
  EXPECT_EQ(update(master, node, change),
            "nodes \"n1\" is forbidden: is not allowed to modify labels: "
            "node-role.kubernetes.io/control-plane, x.node-restriction.kubernetes.io/a");
  corev1::Node tainted = node;
  tainted.spec.taints.emplace_back().key = "k";
  EXPECT_EQ(update(tainted, node, change),
            "nodes \"n1\" is forbidden: node \"n1\" is not allowed to modify taints");
  corev1::Node owned = node;
  owned.metadata.owner_references.emplace_back().name = "x";
  EXPECT_EQ(update(owned, node, change),
            "nodes \"n1\" is forbidden: node \"n1\" is not allowed to modify ownerReferences");
  corev1::Node more = node;
  more.metadata.labels["topology.kubernetes.io/zone"] = "z";
  EXPECT_EQ(update(more, node, change), "");
}

TEST_F(NodeRestrictionTest, ATokenIsBoundToAPodOfTheNodeAndForWhatThePodUses) {
  const auto create = request("serviceaccounts", Operation::kCreate, "robot", "token");
  authenticationv1::TokenRequest token;
  EXPECT_EQ(admit(token, create),
            "serviceaccounts \"robot\" is forbidden: node requested token not bound to a pod");
  auto& bound = token.spec.bound_object_ref.emplace();
  bound.api_version = "v1";
  bound.kind = "Pod";
  bound.name = "p";
  EXPECT_EQ(admit(token, create),
            "serviceaccounts \"robot\" is forbidden: node requested token with a pod binding "
            "without a uid");
  bound.u_id = "pod-uid";
  EXPECT_EQ(admit(token, create), "");
  token.spec.audiences = {"vault"};
  EXPECT_EQ(admit(token, create), "");
  token.spec.audiences = {"bank"};
  EXPECT_EQ(admit(token, create),
            "serviceaccounts \"robot\" is forbidden: audience \"bank\" not found in pod spec "
            "volume, system:node:n1 is not authorized to request tokens for this audience");
  user_.name = "system:node:n2";
  EXPECT_EQ(admit(token, create),
            "serviceaccounts \"robot\" is forbidden: node requested token bound to a pod "
            "scheduled on a different node");
}

TEST_F(NodeRestrictionTest, OthersAreNotRestricted) {
  user_.groups.clear();
  corev1::Pod plain;
  EXPECT_EQ(admit(plain, request("pods", Operation::kCreate, "m")), "");
}

}  // namespace
}  // namespace kpp::apiserver
