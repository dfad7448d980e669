// Holds the rules against what the original answered, where its recordings stand beside the
// checkout.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <tuple>

#include "api/batchv1.h"
#include "api/corev1.h"
#include "api/defaults/defaults.h"
#include "api/json_codec.h"
#include "api/meta.h"
#include "codec/json.h"
#include "validation/validate.h"

namespace kpp::validation {
namespace {

constexpr std::string_view kNamespace = "golden-test";

std::string folder() {
  if (const char* given = std::getenv("KPP_GOLDEN")) return given;
  return KPP_SOURCE_DIR "/../shared/golden";
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t i = text.find(from); i != std::string::npos;
       i = text.find(from, i + to.size())) {
    text.replace(i, from.size(), to);
  }
}

// The variables of a request: {{ns}} and {{repeat:x:100}}.
std::string expanded(std::string text) {
  replace_all(text, "{{ns}}", kNamespace);
  for (std::size_t i = text.find("{{repeat:"); i != std::string::npos; i = text.find("{{repeat:")) {
    const std::size_t end = text.find("}}", i);
    const std::size_t count = std::stoul(text.substr(i + 11, end - i - 11));
    text.replace(i, end + 2 - i, std::string(count, text[i + 9]));
  }
  return text;
}

struct Step {
  std::string scenario, path;
  json::Value body, answer;
  bool sorted = false;
  std::int64_t status = 0;
};

// Steps that create an object of a kind that the schema has.
std::vector<Step> creations(const std::string& file) {
  std::vector<Step> out;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto scenario = json::parse(line);
    if (!scenario) continue;
    const json::Array& steps = scenario->at("steps").as_array();
    const json::Array& expected = scenario->at("expected").as_array();
    for (std::size_t i = 0; i < steps.size() && i < expected.size(); ++i) {
      const json::Value* body = json::find(steps[i], "body");
      if (json::text_at(steps[i], "method") != "POST" || !body || !body->is_object() ||
          !json::find(*body, "kind"))
        continue;
      const json::Value* answer = json::find(expected[i], "body");
      Step step;
      step.scenario = json::text_at(*scenario, "name");
      step.path = json::text_at(steps[i], "path");
      const auto parsed = json::parse(expanded(json::write(*body)));
      if (!parsed || !answer || !answer->is_object()) continue;
      step.body = *parsed;
      step.answer = *answer;
      step.sorted = json::find(steps[i], "sortCauses") != nullptr;
      step.status = json::int_at(expected[i], "status");
      out.push_back(std::move(step));
    }
  }
  return out;
}

// What the API server sets on new objects before their rules are looked at.
void prepare(api::Object& object) {
  if (auto* job = object.as<batchv1::Job>(); job && !job->spec.manual_selector.value_or(false)) {
    for (const char* prefix : {"", "batch.kubernetes.io/"}) {
      job->spec.template_.metadata.labels[cat(prefix, "job-name")] = job->metadata.name;
      job->spec.template_.metadata.labels[cat(prefix, "controller-uid")] = "uid2";
    }
    job->metadata.uid = "uid2";
    job->spec.selector.ensure().match_labels["batch.kubernetes.io/controller-uid"] = "uid2";
  } else if (auto* service = object.as<corev1::Service>()) {
    if (!service->spec.cluster_ip.empty() && service->spec.cluster_ips.empty()) {
      service->spec.cluster_ips = {service->spec.cluster_ip};
    }
  } else if (auto* secret = object.as<corev1::Secret>()) {
    for (const auto& [key, value] : secret->string_data) secret->data[key] = value;
  } else if (auto* pod = object.as<corev1::Pod>()) {
    if (pod->spec.service_account_name.empty()) pod->spec.service_account_name = "default";
  }
}

// What the object is when the rules see it; an object without a type if it does not decode.
api::Object object_of(const Step& step) {
  const std::string_view version = json::text_at(step.body, "apiVersion");
  const std::size_t slash = version.find('/');
  const std::string_view group = slash == std::string_view::npos ? "" : version.substr(0, slash);
  const api::TypeDesc* desc =
      api::find_type(group, slash == std::string_view::npos ? version : version.substr(slash + 1),
                     json::text_at(step.body, "kind"));
  if (!desc) return {};
  api::Object object(*desc);
  if (!api::from_json(step.body, *desc, object.data()).ok()) return {};
  if (metav1::ObjectMeta* metadata = api::metadata(object)) {
    if (desc->resource && desc->resource->namespaced && metadata->namespace_.empty()) {
      metadata->namespace_ =
          step.path.find("/namespaces/default/") != std::string::npos ? "default" : kNamespace;
    }
  }
  api::apply_defaults(object);
  prepare(object);
  return object;
}

using Cause = std::tuple<std::string, std::string, std::string>;

std::string printed(std::string text) {
  replace_all(text, kNamespace, "<ns>");
  replace_all(text, "\"uid2\"", "\"<uid2>\"");
  return text;
}

std::vector<Cause> causes_of(const json::Value& answer) {
  std::vector<Cause> out;
  const json::Value* details = json::find(answer, "details");
  if (!details || !json::find(*details, "causes")) return out;
  for (const json::Value& cause : details->at("causes").as_array()) {
    out.emplace_back(json::text_at(cause, "field"), json::text_at(cause, "reason"),
                     json::text_at(cause, "message"));
  }
  return out;
}

std::vector<Cause> causes_of(const FieldErrors& errors) {
  std::vector<Cause> out;
  for (const FieldError& error : errors.all()) {
    out.emplace_back(printed(error.field), cause_reason(error.type), printed(error.message));
  }
  return out;
}

std::string text_of(const std::vector<Cause>& causes) {
  std::string out;
  for (const auto& [field, reason, message] : causes)
    out += cat("\n    ", field, " ", reason, " | ", message);
  return out;
}

TEST(Golden, RefusedObjectsHaveTheCausesOfTheOriginal) {
  const std::string file = folder() + "/api/errors.jsonl";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no recordings at " << file;
  int passed = 0;
  int failed = 0;
  for (const Step& step : creations(file)) {
    if (step.status != 422) continue;
    const api::Object object = object_of(step);
    if (!object) continue;
    std::vector<Cause> want = causes_of(step.answer);
    if (want.empty()) continue;  // recorded in part only
    std::vector<Cause> have = causes_of(validate_create(object, {}));
    if (step.sorted) {
      std::sort(want.begin(), want.end());
      std::sort(have.begin(), have.end());
    }
    if (have == want) {
      ++passed;
      continue;
    }
    ++failed;
    if (std::getenv("KPP_GOLDEN_VERBOSE")) {
      std::cout << "FAIL " << step.scenario << ' ' << json::write(step.body).substr(0, 300)
                << "\n  want" << text_of(want) << "\n  have" << text_of(have) << '\n';
    }
  }
  std::cout << "refused objects: " << passed << " passed, " << failed << " failed\n";
  // What is left needs the server (address allocation, request options) or compiled expressions.
  EXPECT_GT(passed, 3 * failed);
}

TEST(Golden, AcceptedObjectsHaveNoErrors) {
  const std::string file = folder() + "/api/crud.jsonl";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no recordings at " << file;
  int passed = 0;
  int failed = 0;
  for (const char* area :
       {"crud", "patch", "subresources", "listwatch", "delete", "admission", "errors"}) {
    for (const Step& step : creations(cat(folder(), "/api/", area, ".jsonl"))) {
      if (step.status != 201) continue;
      const api::Object object = object_of(step);
      if (!object) continue;
      const std::vector<Cause> have = causes_of(validate_create(object, {}));
      (have.empty() ? passed : failed)++;
      if (!have.empty() && std::getenv("KPP_GOLDEN_VERBOSE")) {
        std::cout << "FAIL " << area << ' ' << step.scenario << ' '
                  << json::write(step.body).substr(0, 300) << text_of(have) << '\n';
      }
    }
  }
  std::cout << "accepted objects: " << passed << " passed, " << failed << " failed\n";
  EXPECT_GT(passed, 10 * failed);
}

}  // namespace
}  // namespace kpp::validation
