#include "apiserver/stored_object.h"

#include <gtest/gtest.h>

#include "api/autoscalingv1.h"
#include "api/corev1.h"
#include "api/json_codec.h"
#include "api/proto_codec.h"
#include "apiserver/watch_cache.h"

namespace kpp::apiserver {
namespace {

class StoredObjectTest : public ::testing::Test {
 protected:
  const ServedResource& storage(std::string_view group, std::string_view version,
                                std::string_view resource) const {
    return *table_.find(group, version, resource)->storage;
  }
  ResourceTable table_;
  const ServedResource& maps_ = storage("", "v1", "configmaps");
};

corev1::ConfigMap config_map() {
  corev1::ConfigMap out;
  out.metadata.name = "a";
  out.metadata.namespace_ = "default";
  out.metadata.uid = "1";
  out.data = {{"key", "value"}};
  return out;
}

TEST_F(StoredObjectTest, ProtobufIsReadAsWhatThisServerWouldHaveWritten) {
  const auto map = config_map();
  const auto read = read_stored(maps_, api::to_envelope(map.desc(), &map));
  ASSERT_TRUE(read) << read.error().to_string();
  std::string json;
  api::to_json(json, map.desc(), &map);
  EXPECT_EQ(read->json, json);
  ASSERT_NE(read->object.as<corev1::ConfigMap>(), nullptr);
  EXPECT_EQ(read->object.as<corev1::ConfigMap>()->data.at("key"), "value");
}

TEST_F(StoredObjectTest, ACachedObjectHasOneFormHoweverItIsStored) {
  const auto map = config_map();
  std::string json;
  api::to_json(json, map.desc(), &map);
  const CachedRef one = WatchCache::make_object(maps_, json, 7);
  const CachedRef other = WatchCache::make_object(maps_, api::to_envelope(map.desc(), &map), 7);
  ASSERT_TRUE(one);
  ASSERT_TRUE(other);
  EXPECT_EQ(*one->json, *other->json);
}

TEST_F(StoredObjectTest, JsonOfAnyFieldOrderIsRead) {
  const auto read = read_stored(
      maps_, R"({"apiVersion":"v1","kind":"ConfigMap","data":{"k":"v"},"metadata":{"name":"a"}})");
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_TRUE(read->json.starts_with(R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{)"))
      << read->json;
}

TEST_F(StoredObjectTest, AnotherVersionIsConvertedToTheOneThatIsKept) {
  autoscalingv1::HorizontalPodAutoscaler old;
  old.metadata.name = "a";
  old.spec.max_replicas = 3;
  const auto& storage = this->storage("autoscaling", "v2", "horizontalpodautoscalers");
  const auto read = read_stored(storage, api::to_envelope(old.desc(), &old));
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(&read->object.desc(), storage.type);
  EXPECT_NE(read->json.find(R"("maxReplicas":3)"), std::string::npos);
}

TEST_F(StoredObjectTest, WhatIsNoObjectOfTheResourceIsRefused) {
  corev1::Secret secret;
  const std::string stored[] = {"", "k8s:enc:aescbc:v1:key:xyz", std::string("k8s\0\xff\xff", 6),
                                R"({"kind":"Secret","apiVersion":"v1"})",
                                api::to_envelope(secret.desc(), &secret)};
  for (const auto& bytes : stored) EXPECT_FALSE(read_stored(maps_, bytes)) << bytes;
}

}  // namespace
}  // namespace kpp::apiserver
