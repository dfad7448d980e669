#include "api/meta.h"

#include <gtest/gtest.h>

#include "api/appsv1.h"
#include "api/corev1.h"

namespace kpp::api {
namespace {

TEST(Meta, PathsFollowGroupAndScope) {
  EXPECT_EQ(resource_path(corev1::Pod::desc(), "default", "p", "log"),
            "/api/v1/namespaces/default/pods/p/log");
  EXPECT_EQ(resource_path(corev1::Node::desc(), "", "n"), "/api/v1/nodes/n");
  EXPECT_EQ(resource_path(appsv1::Deployment::desc(), ""), "/apis/apps/v1/deployments");
}

TEST(Meta, ControllerReferenceNamesTheOwner) {
  metav1::ObjectMeta owner;
  owner.name = "d";
  owner.uid = "u";
  metav1::ObjectMeta child;
  child.owner_references.push_back(controller_reference(appsv1::Deployment::desc(), owner));
  ASSERT_NE(controller_of(child), nullptr);
  EXPECT_EQ(controller_of(child)->api_version, "apps/v1");
  EXPECT_EQ(controller_of(child)->kind, "Deployment");
  EXPECT_TRUE(is_controlled_by(child, "u"));
}

TEST(Meta, ObjectsGiveTheirMetadata) {
  Object object(corev1::Pod::desc());
  object.as<corev1::Pod>()->metadata.name = "p";
  ASSERT_NE(metadata(object), nullptr);
  EXPECT_EQ(metadata(object)->name, "p");
  Object list(corev1::PodList::desc());
  EXPECT_EQ(metadata(list), nullptr);
}

}  // namespace
}  // namespace kpp::api
