// Expressions of admission policies and webhooks: what they may refer to, and what they must
// answer.
#pragma once

#include <expected>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cel/program.h"

namespace kpp::validation {

// The variables that an expression sees beside object, oldObject, request and namespaceObject.
struct Sight {
  bool params = false;
  bool authorizer = false;
  bool patches = false;  // Object and JSONPatch can be made
};

// What expressions must answer.
namespace answers {
cel::TypeRef boolean();
cel::TypeRef text();
cel::TypeRef null();
cel::TypeRef object();
cel::TypeRef json_patch();
}  // namespace answers

// Compiles the expressions of one policy (or one webhook); its variables become known one by one.
// Programs keep what they need of it alive.
class AdmissionCompiler {
 public:
  AdmissionCompiler();
  // With `variables`, the expressions see that struct, which add_variable() fills.
  static AdmissionCompiler with_variables();

  // A program, or what is wrong: "compilation failed: ...", "must evaluate to bool but got int".
  struct Compiled {
    cel::Program program;
    std::shared_ptr<const cel::Env> env;
  };
  std::expected<Compiled, std::string> compile(std::string_view expression, const Sight& sight,
                                               std::initializer_list<cel::TypeRef> wanted) const;
  // Later expressions see variables.<name>, of this type; nullptr: of any.
  void add_variable(const std::string& name, const cel::TypeRef& type);

 private:
  bool has_variables_ = false;
  cel::StructTable::Fields variables_;
};

// The types of the variables request and namespaceObject.
cel::TypeRef request_type();
cel::TypeRef namespace_type();
// The members of all structs of these environments.
const cel::StructTable& admission_structs();

}  // namespace kpp::validation
