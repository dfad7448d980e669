#include "apiserver/table/table.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

#include "api/json_codec.h"
#include "api/meta.h"
#include "apiserver/table/row.h"
#include "base/cat.h"
#include "codec/json.h"

namespace kpp::apiserver {
namespace {

using namespace std::chrono_literals;

const WallTime kNow{1'800'000'000s};

// JSON without the escapes of angle brackets.
std::string plain(std::string text) {
  const std::pair<std::string_view, char> escapes[] = {{"\\u003c", '<'}, {"\\u003e", '>'}};
  for (const auto& [escape, character] : escapes)
    for (std::size_t at = 0; (at = text.find(escape, at)) != std::string::npos; ++at)
      text.replace(at, escape.size(), 1, character);
  return text;
}

// The row that the object of this JSON text gets.
TableRow row_of(std::string_view group, std::string_view version, std::string_view kind,
                std::string_view text) {
  const auto* type = api::find_type(group, version, kind);
  EXPECT_NE(type, nullptr) << kind;
  const auto document = json::parse(text);
  EXPECT_TRUE(document) << text;
  if (!type || !document) return {};
  api::Object object(*type);
  EXPECT_TRUE(api::from_json(*document, *type, object.data()).ok()) << text;
  auto row = table_row(object, kNow);
  row.cells = plain(std::move(row.cells));
  return row;
}

std::string pod_status(std::string_view spec, std::string_view status) {
  const auto row =
      row_of("", "v1", "Pod",
             cat(R"({"metadata":{"name":"p"},"spec":)", spec, R"(,"status":)", status, "}"));
  const auto cells = json::parse(row.cells);
  const auto at = [&cells](std::size_t i) { return std::string(cells->as_array()[i].as_string()); };
  return cat(at(1), ' ', at(2), ' ', at(3));
}

constexpr std::string_view kOne = R"({"containers":[{"name":"c"}]})";

TEST(Table, AgesUseAtMostTwoUnits) {
  const std::pair<Duration, std::string_view> cases[] = {{-2s, "<invalid>"},
                                                         {0s, "0s"},
                                                         {5s, "5s"},
                                                         {119s, "119s"},
                                                         {120s, "2m"},
                                                         {123s, "2m3s"},
                                                         {200s, "3m20s"},
                                                         {600s, "10m"},
                                                         {179min, "179m"},
                                                         {3h, "3h"},
                                                         {3h + 5min, "3h5m"},
                                                         {8h + 5min, "8h"},
                                                         {47h, "47h"},
                                                         {48h, "2d"},
                                                         {84h, "3d12h"},
                                                         {24h * 45, "45d"},
                                                         {24h * 729, "729d"},
                                                         {24h * 760, "2y30d"},
                                                         {24h * 365 * 3, "3y"},
                                                         {24h * 3000, "8y"}};
  for (const auto& [duration, text] : cases) EXPECT_EQ(human_duration(duration), text);
}

TEST(Table, AnAbsentCreationTimeIsUnknown) {
  EXPECT_EQ(row_of("", "v1", "ConfigMap", R"({"metadata":{"name":"c"},"data":{"a":"b"}})").cells,
            R"(["c",1,"<unknown>"])");
}

TEST(Table, APodIsPendingBeforeAnythingRuns) {
  EXPECT_EQ(pod_status(kOne, R"({"phase":"Pending"})"), "0/1 Pending 0");
}

TEST(Table, APodShowsWhyItsContainerWaits) {
  EXPECT_EQ(
      pod_status(kOne, R"({"phase":"Running","containerStatuses":[{"name":"c","restartCount":3,
    "state":{"waiting":{"reason":"CrashLoopBackOff"}},
    "lastState":{"terminated":{"exitCode":1,"finishedAt":"2027-01-15T07:55:00Z"}}}]})"),
      "0/1 CrashLoopBackOff 3 (5m ago)");
}

TEST(Table, APodShowsExitCodesAndSignalsWithoutReason) {
  EXPECT_EQ(pod_status(kOne, R"({"phase":"Failed","containerStatuses":[{"name":"c",
    "state":{"terminated":{"exitCode":7}}}]})"),
            "0/1 ExitCode:7 0");
  EXPECT_EQ(pod_status(kOne, R"({"phase":"Failed","containerStatuses":[{"name":"c",
    "state":{"terminated":{"exitCode":137,"signal":9}}}]})"),
            "0/1 Signal:9 0");
}

TEST(Table, APodCountsItsInitContainers) {
  constexpr std::string_view kSpec =
      R"({"initContainers":[{"name":"i"},{"name":"j"}],"containers":[{"name":"c"}]})";
  EXPECT_EQ(pod_status(kSpec, R"({"phase":"Pending","initContainerStatuses":[
    {"name":"i","state":{"terminated":{"exitCode":0}}},{"name":"j","state":{"running":{}}}]})"),
            "0/1 Init:1/2 0");
  EXPECT_EQ(pod_status(kSpec, R"({"phase":"Pending","initContainerStatuses":[
    {"name":"i","restartCount":2,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]})"),
            "0/1 Init:CrashLoopBackOff 2");
}

TEST(Table, ASidecarCountsAsAContainer) {
  EXPECT_EQ(
      pod_status(
          R"({"initContainers":[{"name":"s","restartPolicy":"Always"}],"containers":[{"name":"c"}]})",
          R"({"phase":"Running","initContainerStatuses":[{"name":"s","started":true,"ready":true,
    "restartCount":1,"state":{"running":{}}}],"containerStatuses":[{"name":"c","ready":true,
    "state":{"running":{}}}]})"),
      "2/2 Running 1");
}

TEST(Table, APodWithOneCompletedContainerRunsAsLongAsItIsReady) {
  constexpr std::string_view kSpec = R"({"containers":[{"name":"c"},{"name":"d"}]})";
  constexpr std::string_view kStatuses = R"("phase":"Running","containerStatuses":[
    {"name":"c","state":{"terminated":{"exitCode":0,"reason":"Completed"}}},
    {"name":"d","ready":true,"state":{"running":{}}}])";
  EXPECT_EQ(pod_status(kSpec, cat("{", kStatuses, "}")), "1/2 NotReady 0");
  EXPECT_EQ(pod_status(kSpec,
                       cat("{", kStatuses, R"(,"conditions":[{"type":"Ready","status":"True"}]})")),
            "1/2 Running 0");
}

TEST(Table, AFinishedPodCarriesACondition) {
  const auto done = row_of("", "v1", "Pod", R"({"status":{"phase":"Succeeded"}})");
  EXPECT_EQ(done.conditions,
            R"([{"type":"Completed","status":"True","reason":"Succeeded","message":)"
            R"("The pod has completed successfully."}])");
  const auto running = row_of("", "v1", "Pod", R"({"status":{"phase":"Running"}})");
  EXPECT_TRUE(running.conditions.empty());
}

TEST(Table, ADeletedPodIsTerminatingUnlessItsNodeIsLost) {
  const auto status = [](std::string_view text) {
    const auto row = row_of(
        "", "v1", "Pod",
        cat(R"({"metadata":{"deletionTimestamp":"2027-01-15T07:55:00Z"},"status":)", text, "}"));
    return std::string(json::parse(row.cells)->as_array()[2].as_string());
  };
  EXPECT_EQ(status(R"({"phase":"Running"})"), "Terminating");
  EXPECT_EQ(status(R"({"phase":"Running","reason":"NodeLost"})"), "Unknown");
  EXPECT_EQ(status(R"({"phase":"Failed"})"), "Failed");
}

TEST(Table, ACordonedNodeSaysSo) {
  EXPECT_EQ(row_of("", "v1", "Node", R"({"metadata":{"name":"n","labels":{
    "node-role.kubernetes.io/worker":"","node-role.kubernetes.io/control-plane":""}},
    "spec":{"unschedulable":true},"status":{"conditions":[{"type":"Ready","status":"False"}]}})")
                .cells,
            R"(["n","NotReady,SchedulingDisabled","control-plane,worker","<unknown>","","<none>",)"
            R"("<none>","<unknown>","<unknown>","<unknown>"])");
}

TEST(Table, LongListsAreCutOff) {
  EXPECT_EQ(row_of("", "v1", "Endpoints", R"({"metadata":{"name":"e"},"subsets":[{"addresses":[
    {"ip":"10.0.0.1"},{"ip":"10.0.0.2"},{"ip":"fd00::1"},{"ip":"10.0.0.4"},{"ip":"10.0.0.5"}],
    "ports":[{"port":80}]}]})")
                .cells,
            R"(["e","10.0.0.1:80,10.0.0.2:80,[fd00::1]:80 + 2 more...","<unknown>"])");
}

TEST(Table, AKindWithoutColumnsShowsNameAndCreation) {
  EXPECT_EQ(row_of("rbac.authorization.k8s.io", "v1", "Role",
                   R"({"metadata":{"name":"r","creationTimestamp":"2026-01-02T15:04:05Z"}})")
                .cells,
            R"(["r","2026-01-02T15:04:05Z"])");
}

TEST(Table, EveryServedKindHasAsManyCellsAsColumns) {
  for (const auto* type : api::all_types()) {
    if (!type->resource || !type->is_root() || !api::metadata(*type, api::Object(*type).data()))
      continue;
    const auto columns = json::parse(table_columns(*type));
    const auto cells = json::parse(table_row(api::Object(*type), kNow).cells);
    ASSERT_TRUE(columns && cells) << type->full_name();
    // The original writes one cell more for addresses.
    const std::size_t more = type->name == "IPAddress" ? 1 : 0;
    EXPECT_EQ(cells->as_array().size(), columns->as_array().size() + more) << type->full_name();
  }
}

// Recordings of the original: what it answered when an object was created, and the table that it
// made of it.
class Recording : public testing::Test {
 protected:
  static std::string folder() {
    const char* set = std::getenv("KPP_GOLDEN");
    return set ? std::string(set) : std::string(KPP_SOURCE_DIR "/../shared/golden");
  }
};

bool is_table_request(const json::Value& step) {
  return json::text_at(step, "headers.Accept").starts_with("application/json;as=Table;v=v1;") &&
         json::text_at(step, "path").find("includeObject") == std::string_view::npos;
}

// Values that the recording replaces by names are of no use to a typed object.
void make_concrete(json::Value& value) {
  if (auto* object = value.if_object()) {
    object->erase("managedFields");
    for (auto& member : *object) make_concrete(member.value());
  } else if (auto* array = value.if_array()) {
    for (auto& item : *array) make_concrete(item);
  } else if (value.is_string()) {
    if (value.as_string() == "<time>") value = rfc3339(kNow - 5s);
    if (value.as_string() == "<nodePort>") value = 30000;
  }
}

void expect_same_cells(const json::Value& object, const json::Value& table, std::string_view name) {
  const auto version = std::string(json::text_at(object, "apiVersion"));
  const auto slash = version.find('/');
  const auto* type =
      api::find_type(slash == std::string::npos ? "" : version.substr(0, slash),
                     slash == std::string::npos ? version : version.substr(slash + 1),
                     json::text_at(object, "kind"));
  if (!type) return;
  auto concrete = object;
  make_concrete(concrete);
  api::Object typed(*type);
  const auto decoded = api::from_json(concrete, *type, typed.data());
  ASSERT_TRUE(decoded.ok()) << name << ": " << decoded.message();

  const auto columns = json::parse(table_columns(*type));
  EXPECT_EQ(json::write(*columns), json::write(table.at("columnDefinitions"))) << name;
  const auto made = table_row(typed, kNow);
  const auto cells = json::parse(made.cells)->as_array();
  const auto& row = table.at("rows").as_array().at(0);
  const auto& expected = row.at("cells").as_array();
  ASSERT_EQ(cells.size(), expected.size()) << name;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto want = plain(json::write(expected[i]));
    const auto got = plain(json::write(cells[i]));
    if (want == "\"<age>\"" || want == "\"<time>\"" || want == "\"0s\"") {
      EXPECT_NE(got, "\"<none>\"") << name << " cell " << i;
      continue;
    }
    const auto port = want.find("<nodePort>");
    if (port != std::string::npos) {
      EXPECT_EQ(got.substr(0, port), want.substr(0, port)) << name;
      continue;
    }
    EXPECT_EQ(got, want) << name << " cell " << i;
  }
}

TEST_F(Recording, CellsOfCreatedObjectsAreThoseOfTheOriginal) {
  std::ifstream file(folder() + "/api/crud.jsonl");
  if (!file) GTEST_SKIP() << "no recordings in " << folder();
  // A controller of the original writes the condition that the last cell shows, between the two
  // answers.
  const std::set<std::string_view> changed_meanwhile = {"flowschema-minimal", "flowschema-rich"};
  int compared = 0;
  for (std::string line; std::getline(file, line);) {
    const auto scenario = json::parse(line);
    ASSERT_TRUE(scenario);
    const auto name = json::text_at(*scenario, "name");
    const auto& steps = scenario->at("steps").as_array();
    const auto& answers = scenario->at("expected").as_array();
    const json::Value* created = nullptr;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const auto& body =
          answers[i].as_object().contains("body") ? answers[i].at("body") : answers[i];
      if (is_table_request(steps[i]) && created && json::text_at(body, "kind") == "Table" &&
          !changed_meanwhile.contains(name)) {
        expect_same_cells(*created, body, name);
        ++compared;
      }
      const auto status = json::int_at(answers[i], "status");
      const bool wrote = json::text_at(steps[i], "method") != "GET" &&
                         !json::text_at(body, "metadata.name").empty();
      const bool whole = !steps[i].as_object().contains("keep");
      if ((status == 200 || status == 201) && wrote && whole) created = &body;
    }
  }
  EXPECT_GT(compared, 50);
}

}  // namespace
}  // namespace kpp::apiserver
