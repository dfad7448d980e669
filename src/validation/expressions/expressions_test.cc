#include <gtest/gtest.h>

#include "validation/expressions/admission.h"
#include "validation/expressions/devices.h"

namespace kpp::validation {
namespace {

std::string error_of(std::string_view expression, const Sight& sight = {},
                     std::initializer_list<cel::TypeRef> wanted = {answers::boolean()}) {
  const auto compiled = AdmissionCompiler().compile(expression, sight, wanted);
  return compiled ? "" : compiled.error();
}

TEST(AdmissionExpressions, SeeWhatTheirPlaceShows) {
  EXPECT_EQ(error_of("object.x == oldObject.x && request.userInfo.username != '' && "
                     "namespaceObject.metadata.name == 'n'"),
            "");
  EXPECT_EQ(
      error_of("params.x == 1"),
      "compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container "
      "'')\n | params.x == 1\n | ^");
  EXPECT_EQ(error_of("params.x == 1", {.params = true}), "");
  EXPECT_EQ(error_of("authorizer.requestResource.check('get').allowed()", {.authorizer = true}),
            "");
  EXPECT_EQ(
      error_of("request.nope == 1"),
      "compilation failed: ERROR: <input>:1:8: undefined field 'nope'\n | request.nope == 1\n "
      "| .......^");
}

TEST(AdmissionExpressions, AnswerWhatTheirPlaceWants) {
  EXPECT_EQ(error_of("1"), "must evaluate to bool but got int");
  EXPECT_EQ(error_of("object.x"), "must evaluate to bool but got dyn");
  EXPECT_EQ(error_of("1", {}, {answers::text(), answers::null()}),
            "must evaluate to one of [string null_type] but got int");
  EXPECT_EQ(error_of("[1]", {.patches = true}, {answers::json_patch()}),
            "must evaluate to list(JSONPatch) but got list(int)");
  EXPECT_EQ(
      error_of("Object{spec: Object.spec{replicas: 1}}", {.patches = true}, {answers::object()}),
      "");
}

TEST(AdmissionExpressions, VariablesSeeThoseBeforeThem) {
  AdmissionCompiler compiler = AdmissionCompiler::with_variables();
  compiler.add_variable("x", cel::Type::of(cel::Kind::kInt));
  EXPECT_TRUE(compiler.compile("variables.x + 1 > 0", {}, {answers::boolean()}));
  EXPECT_FALSE(compiler.compile("variables.y", {}, {}));
}

TEST(AdmissionExpressions, KnowTheFormatsOfNames) {
  EXPECT_EQ(error_of("!format.dns1123Label().validate('a_b').hasValue()"), "");
  EXPECT_EQ(error_of("format.named('dns1123Label').hasValue()"), "");
}

TEST(DeviceExpressions, SeeADevice) {
  EXPECT_EQ(
      device_expression_error("device.driver == 'd' && device.attributes['d'].model == 'x' && "
                              "device.capacity['d'].memory.isGreaterThan(quantity('1Gi'))"),
      "");
  EXPECT_EQ(device_expression_error("device.nope"),
            "compilation failed: ERROR: <input>:1:7: undefined field 'nope'\n | device.nope\n | "
            "......^");
  EXPECT_EQ(device_expression_error("device.driver"),
            "must evaluate to bool or the unknown type, not string");
}

}  // namespace
}  // namespace kpp::validation
