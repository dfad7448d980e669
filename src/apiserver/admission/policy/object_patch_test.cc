#include "apiserver/admission/policy/object_patch.h"

#include <gtest/gtest.h>

#include "api/corev1.h"
#include "validation/expressions/admission.h"

namespace kpp::apiserver {
namespace {

class NoVariables final : public cel::Activation {
 public:
  std::optional<cel::Value> find(std::string_view) const override { return std::nullopt; }
};

cel::Value value_of(std::string_view expression) {
  const auto compiled = validation::AdmissionCompiler().compile(expression, {.patches = true}, {});
  if (!compiled) return cel::Value::fail(compiled.error());
  return compiled->program.evaluate(NoVariables()).value;
}

api::Object pod() {
  corev1::Pod out;
  out.metadata.name = "p";
  out.metadata.labels = {{"a", "1"}};
  out.spec.containers.emplace_back().name = "c";
  out.spec.containers[0].image = "i";
  return api::Object::of(out);
}

TEST(ObjectPatch, ConfigurationsAreLaidOverTheObject) {
  const auto out = apply_configuration(
      pod(), value_of("Object{metadata: Object.metadata{labels: {'b': '2'}}, spec: "
                      "Object.spec{containers: [Object.spec.containers{name: 'c', image: 'j'}, "
                      "Object.spec.containers{name: 'd', image: 'k'}]}}"));
  ASSERT_TRUE(out) << out.error().message();
  const auto& changed = *out->as<corev1::Pod>();
  EXPECT_EQ(changed.metadata.labels, (std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}}));
  ASSERT_EQ(changed.spec.containers.size(), 2U);
  EXPECT_EQ(changed.metadata.name, "p");
}

TEST(ObjectPatch, MessagesAreNamedByTheirPlace) {
  const auto out =
      apply_configuration(pod(), value_of("Object{metadata: Object.spec{labels: {'b': '2'}}}"));
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().message(),
            "type mismatch: unexpected type name \"Object.spec\", expected \"Object.metadata\", "
            "which matches field name path from root Object type");
}

TEST(ObjectPatch, AtomicListsMayNotBeSet) {
  const auto out = apply_configuration(
      pod(),
      value_of("Object{spec: Object.spec{tolerations: [Object.spec.tolerations{key: 'k'}]}}"));
  ASSERT_FALSE(out);
  EXPECT_EQ(
      out.error().message(),
      "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or "
      "structs: .spec.tolerations");
}

TEST(ObjectPatch, OperationsAreDoneInOrder) {
  const auto out = apply_json_patches(
      pod(),
      value_of("[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('x/y'), "
               "value: 'z'}, JSONPatch{op: 'remove', path: '/metadata/labels/a'}]"));
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ(out->as<corev1::Pod>()->metadata.labels,
            (std::map<std::string, std::string>{{"x/y", "z"}}));
}

TEST(ObjectPatch, TestsThatFailLeaveTheObject) {
  const auto out = apply_json_patches(
      pod(), value_of("[JSONPatch{op: 'remove', path: '/metadata/labels/a'}, JSONPatch{op: 'test', "
                      "path: '/metadata/name', value: 'q'}]"));
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ(out->as<corev1::Pod>()->metadata.labels.size(), 1U);
}

TEST(ObjectPatch, UnknownMembersAreRefused) {
  const auto out =
      apply_json_patches(pod(), value_of("[JSONPatch{op: 'add', path: '/spec/nope', value: 'z'}]"));
  ASSERT_FALSE(out);
  EXPECT_TRUE(out.error().is(Reason::kInternalError));
}

}  // namespace
}  // namespace kpp::apiserver
