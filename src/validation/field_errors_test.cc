#include "validation/field_errors.h"

#include <gtest/gtest.h>

#include "validation/diff.h"
#include "validation/formats.h"

namespace kpp::validation {
namespace {

TEST(FieldPath, PrintsNamesIndexesAndKeys) {
  const FieldPath spec("spec");
  EXPECT_EQ(spec.child("containers").index(0).child("name").to_string(), "spec.containers[0].name");
  EXPECT_EQ(spec.child("template", "labels").key("a/b").to_string(), "spec.template.labels[a/b]");
  EXPECT_EQ(FieldPath("").to_string(), "[]");
}

TEST(FieldErrors, ValuesArePrintedByTheirType) {
  FieldErrors errors;
  const FieldPath at("f");
  errors.invalid(at, "a\"b", "no");
  errors.invalid(at, 7, "no");
  errors.invalid(at, api::IntOrString("5%"), "no");
  errors.invalid(at, std::vector<std::string>{"a", "b"}, "no");
  errors.invalid(at, std::map<std::string, std::string>{}, "no");
  std::vector<std::string> texts;
  for (const FieldError& error : errors.all()) texts.push_back(error.message);
  EXPECT_EQ(texts, (std::vector<std::string>{"Invalid value: \"a\\\"b\": no",
                                             "Invalid value: 7: no", "Invalid value: \"5%\": no",
                                             "Invalid value: [\"a\",\"b\"]: no",
                                             "Invalid value: null: no"}));
}

TEST(FieldErrors, MessageOfTheStatusNamesEachErrorOnce) {
  FieldErrors errors;
  errors.required(FieldPath("a"));
  EXPECT_EQ(to_status("Pod", "", "p", errors).message(), "Pod \"p\" is invalid: a: Required value");
  errors.required(FieldPath("a"));
  errors.forbidden(FieldPath("b"), "no");
  const Status status = to_status("Deployment", "apps", "d", errors);
  EXPECT_EQ(status.message(),
            "Deployment.apps \"d\" is invalid: [a: Required value, b: Forbidden: no]");
  EXPECT_EQ(status.details().causes.size(), 3U);
  EXPECT_EQ(status.code(), 422);
}

TEST(Formats, NamesWithDotsAreTold) {
  EXPECT_EQ(dns1123_label("a.b"), Messages{"must not contain dots"});
  EXPECT_TRUE(dns1123_label("a-1").empty());
  EXPECT_EQ(dns1123_label(std::string(64, 'x')), Messages{"must be no more than 63 characters"});
  EXPECT_TRUE(qualified_name("example.com/Name_1.x").empty());
  EXPECT_EQ(qualified_name("/x"), Messages{"prefix part must be non-empty"});
}

TEST(Diff, KeepsThreeLinesAroundAChange) {
  EXPECT_EQ(unified_diff("1\n2\n3\n4\n5\n6", "1\n2\n3\n4\nx\n6"),
            "@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n+x\n 6\n");
  EXPECT_EQ(unified_diff("a\nb", "a\nb"), "");
}

}  // namespace
}  // namespace kpp::validation
