#include <gtest/gtest.h>

#include "cel/json_value.h"
#include "cel/lib/authorizers.h"
#include "cel/program.h"

namespace kpp::cel {
namespace {

class Variables final : public Activation {
 public:
  explicit Variables(std::map<std::string, Value, std::less<>> values)
      : values_(std::move(values)) {}
  std::optional<Value> find(std::string_view name) const override {
    const auto it = values_.find(name);
    if (it == values_.end()) return std::nullopt;
    return it->second;
  }

 private:
  std::map<std::string, Value, std::less<>> values_;
};

const json::Value& document() {
  static const json::Value kDocument = *json::parse(R"({
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {"replicas": 3, "ratio": 1.5, "ports": [80, 443], "none": null,
             "containers": [{"name": "a", "image": "x"}, {"name": "b"}]}})");
  return kDocument;
}

const Env& env() {
  static const Env kEnv = [] {
    Env out;
    out.variables["object"] = Type::of(Kind::kDyn);
    out.variables["self"] = Type::of(Kind::kString);
    out.variables["typed"] = Type::object("Typed");
    out.structs.add("Typed", {{"count", Type::of(Kind::kInt)},
                              {"since", Type::of(Kind::kTimestamp)},
                              {"names", Type::list(Type::of(Kind::kString))}});
    out.any_object = true;
    return out;
  }();
  return kEnv;
}

// The value as JSON, "error: ..." of a failed evaluation, or what is wrong with the expression.
std::string evaluated(std::string_view text, std::uint64_t limit = kCallLimit) {
  static const json::Value kTyped =
      *json::parse(R"({"count": 2, "since": "2026-01-02T03:04:05Z", "names": ["x", "y"]})");
  const auto program = Program::compile(env(), text);
  if (!program) return program.error();
  const Variables variables({{"object", from_json(document())},
                             {"self", Value::of("me")},
                             {"typed", from_json(kTyped, Type::object("Typed"), &env().structs)}});
  const Evaluation out = program->evaluate(variables, limit);
  if (out.value.is_failure()) return "error: " + out.value.failure();
  if (const auto* optional = out.value.optional()) {
    if (!*optional) return "none";
    return "some " + json::write(*to_json(**optional));
  }
  const auto document = to_json(out.value);
  return document ? json::write(*document) : out.value.type_name();
}

struct Case {
  const char* expression;
  const char* value;
};

void expect_all(std::initializer_list<Case> cases) {
  for (const Case& each : cases)
    EXPECT_EQ(evaluated(each.expression), each.value) << each.expression;
}

TEST(Expressions, ArithmeticIsThatOfTheLanguage) {
  expect_all({
      {"1 + 2 * 3 - 4 / 2 % 2", "7"},
      {"-7 / 2", "-3"},
      {"-7 % 3", "-1"},
      {"7.5 / 2.5", "3"},
      {"2u * 3u", "6"},
      {"0x10 + 1", "17"},
      {"'a' + 'b'", "\"ab\""},
      {"[1] + [2]", "[1,2]"},
      {"b'ab' + b'c' == b'abc'", "true"},
      {"9223372036854775807 + 1", "error: integer overflow"},
      {"0u - 1u", "error: unsigned integer overflow"},
      {"1 / 0", "error: division by zero"},
      {"1 % 0", "error: modulus by zero"},
      {"-(-9223372036854775807 - 1)", "error: integer overflow"},
      {"1 < 2 && 2.5 > 2 && 1u <= 1", "true"},
      {"true ? 1 : 2", "1"},
      {"--3", "3"},
      {"!!true", "true"},
  });
}

TEST(Expressions, TextsAreUnescaped) {
  expect_all({
      {R"('a\tb\u00e9\x41\101')", R"("a\tbéAA")"},
      {R"(r'a\n')", R"("a\\n")"},
      {R"("""one
two""")",
       R"("one\ntwo")"},
      {R"(b'\xff' == b'\377')", "true"},
  });
}

TEST(Expressions, DocumentsAreReadByPath) {
  expect_all({
      {"object.metadata.name", "\"web\""},
      {"object['spec'].ports[1]", "443"},
      {"object.spec.replicas == 3 && object.spec.ratio == 1.5", "true"},
      {"has(object.spec.replicas) && !has(object.spec.nope)", "true"},
      {"object.spec.nope", "error: no such key: nope"},
      {"object.spec.ports[2]", "error: index out of bounds: 2"},
      {"object.spec.none == null", "true"},
      {"'app' in object.metadata.labels && !(80 in object.metadata.labels)", "true"},
      {"443 in object.spec.ports", "true"},
      {"object.?spec.?nope.orValue(7)", "7"},
      {"object.?spec.replicas", "some 3"},
      {"object.?nope.replicas", "none"},
      {"object.spec[?'replicas'].optMap(r, r + 1)", "some 4"},
      {"object.?nope.optMap(r, r + 1).hasValue()", "false"},
      {"object.?nope.or(object.?spec).value().replicas", "3"},
      {"object.spec + 1", "error: no such overload: _+_"},
      {"object.spec.replicas + 'x'", "error: no such overload"},
      {"object.spec.replicas.startsWith('x')", "error: no such overload: startsWith(int, string)"},
  });
}

TEST(Expressions, LogicDoesWithoutOneOperandWhereItCan) {
  expect_all({
      {"object.nope || true", "true"},
      {"object.nope && false", "false"},
      {"object.nope || false", "error: no such key: nope"},
      {"[1, 2].all(x, x > 0 || object.nope)", "true"},
      {"[0, 2].exists(x, 1 / x > 5 || x == 2)", "true"},
  });
}

TEST(Macros, FoldListsAndMaps) {
  expect_all({
      {"[1, 2, 3].all(x, x > 0)", "true"},
      {"[1, 2, 3].exists(x, x == 2)", "true"},
      {"[1, 2, 2].exists_one(x, x == 2)", "false"},
      {"[1, 2, 3].map(x, x * 2)", "[2,4,6]"},
      {"[1, 2, 3].map(x, x > 1, x * 2)", "[4,6]"},
      {"[1, 2, 3].filter(x, x != 2)", "[1,3]"},
      {"{'a': 1, 'b': 2}.filter(k, k == 'b')", "[\"b\"]"},
      {"object.spec.containers.map(c, c.name).join(',')", "\"a,b\""},
      {"[5, 6].all(i, v, v == i + 5)", "true"},
      {"{'a': 1}.exists(k, v, k == 'a' && v == 1)", "true"},
      {"[1, 2].transformList(i, v, i + v)", "[1,3]"},
      {"{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 10)", "{\"b\":20}"},
      {"['x'].transformMapEntry(i, v, {v: i})", "{\"x\":0}"},
      {"[[1, 2], [3]].map(l, l.map(x, x + 1))", "[[2,3],[4]]"},
  });
}

TEST(Literals, OptionalItemsAreLeftOut) {
  expect_all({
      {"[1, ?object.?nope, ?optional.of(2)]", "[1,2]"},
      {"{?'a': optional.none(), 'b': 1}", "{\"b\":1}"},
      {"Object{spec: Object.spec{?replicas: optional.of(1)}}", "{\"spec\":{\"replicas\":1}}"},
      {"{1: 'a', 1u: 'b'}[1]",
       "ERROR: <input>:1:10: expected type 'int' but found 'uint'\n | {1: 'a', 1u: 'b'}[1]\n | "
       ".........^"},
      {"{'a': 1, 'a': 2}", "error: Failed with repeated key"},
  });
}

TEST(Libraries, TextsListsAndSets) {
  expect_all({
      {"'hello'.indexOf('l') + 'hello'.lastIndexOf('l')", "5"},
      {"'tacocat'.substring(4)", "\"cat\""},
      {"'tacocat'.substring(0, 4).upperAscii()", "\"TACO\""},
      {"'x'.substring(2, 1)", "error: invalid substring range. start: 2, end: 1"},
      {"'a,b,c'.split(',', 2)", "[\"a\",\"b,c\"]"},
      {"'hello hello'.replace('he', 'we', 1)", "\"wello hello\""},
      {"'ab'.replace('', '-')", "\"-a-b-\""},
      {"' x '.trim() == 'x' && 'abc'.charAt(1) == 'b'", "true"},
      {"'%s is %d, %.2f, %x, %s'.format(['a', dyn(1), 1.5, 255, [1, dyn('b')]])",
       "\"a is 1, 1.50, ff, [1, b]\""},
      {"'%d'.format(['a'])",
       "error: error during formatting: decimal clause can only be used on integers, was given "
       "string"},
      {"[1, 3, 2].isSorted() || [1, 2].isSorted()", "true"},
      {"[1, 3, 2].sum() + [1, 3].min() + [1, 3].max()", "10"},
      {"[1, 2, 1].indexOf(1) + [1, 2, 1].lastIndexOf(1)", "2"},
      {"[].sum()", "0"},
      {"sets.contains([1, 2], [2]) && sets.equivalent([1], [1, 1]) && !sets.intersects([1], [2])",
       "true"},
      {"'abc 123 456'.find('[0-9]+') + 'abc 12 34'.findAll('[0-9]+')[1]", "\"12334\""},
      {"'12 34 56'.findAll('[0-9]+', 2).size()", "2"},
      {"'abc'.matches('^a.c$')", "true"},
      {"size('é') + 'é'.size() + size(bytes('é'))", "4"},
      {"int('12') + int(2.9) + int(3u)", "17"},
      {"int('x')", "error: type conversion error from 'string' to 'int'"},
      {"string(1.5) + string(true) + string(2u)", "\"1.5true2\""},
      {"type(1) == int && type('a') != int", "true"},
  });
}

TEST(Libraries, KubernetesTypes) {
  expect_all({
      {"quantity('1Gi').isGreaterThan(quantity('1G'))", "true"},
      {"quantity('500m').add(quantity('0.5')) == quantity('1')", "true"},
      {"quantity('50k').sub(20).asInteger()", "49980"},
      {"quantity('50m').asInteger()", "error: cannot convert value to integer"},
      {"isQuantity('x')", "false"},
      {"url('https://example.com:80/a b?k=v&k=w').getHost()", "\"example.com:80\""},
      {"url('https://[::1]:80/').getHostname() + url('https://[::1]:80/').getPort()", "\"::180\""},
      {"url('https://e.com/?k=v&k=w').getQuery()['k']", "[\"v\",\"w\"]"},
      {"isURL('example.com') || isURL('')", "false"},
      {"ip('127.0.0.1').isLoopback() && ip('::1').family() == 6 && !isIP('1.2.3.04')", "true"},
      {"ip.isCanonical('2001:DB8::1')", "false"},
      {"cidr('10.0.0.0/8').containsIP('10.1.2.3') && "
       "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')",
       "true"},
      {"string(cidr('10.1.2.3/8').masked()) + string(cidr('10.1.2.3/8').ip())",
       "\"10.0.0.0/810.1.2.3\""},
      {"semver('1.2.3').isLessThan(semver('1.2.10')) && "
       "semver('1.0.0-a').compareTo(semver('1.0.0')) "
       "== -1",
       "true"},
      {"semver('v1.2', true).minor()", "2"},
      {"isSemver('1.2')", "false"},
      {"jsonpatch.escapeKey('a/b~c')", "\"a~1b~0c\""},
  });
}

TEST(Libraries, TimesAndDurations) {
  expect_all({
      {"timestamp('2026-01-02T03:04:05Z') + duration('1h30m') == timestamp('2026-01-02T04:34:05Z')",
       "true"},
      {"timestamp('2026-01-02T03:04:05.5Z').getMilliseconds()", "500"},
      {"timestamp('2026-01-02T03:04:05Z').getHours('+02:00')", "5"},
      {"timestamp('2026-01-02T03:04:05Z').getDayOfWeek()", "5"},
      {"string(duration('1.5h'))", "\"5400s\""},
      {"timestamp('2026-01-02T00:00:00Z') - timestamp('2026-01-01T00:00:00Z') == duration('24h')",
       "true"},
      {"duration('x')",
       "ERROR: <input>:1:10: invalid duration argument\n | duration('x')\n | "
       ".........^"},
      {"typed.since.getFullYear() + typed.count", "2028"},
  });
}

TEST(Syntax, FaultsAreToldAsTheOriginalTellsThem) {
  const std::string operand =
      "expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, "
      "NUM_UINT, STRING, BYTES, IDENTIFIER}";
  EXPECT_EQ(evaluated("1 +"), "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' " +
                                  operand + "\n | 1 +\n | ...^");
  EXPECT_TRUE(
      evaluated("-!''").starts_with("ERROR: <input>:1:2: Syntax error: extraneous input '!' "
                                    "expecting {'[', '{', '(', '.', 'true'"));
  EXPECT_EQ(evaluated("(1"),
            "ERROR: <input>:1:3: Syntax error: missing ')' at '<EOF>'\n | (1\n | ..^");
  EXPECT_EQ(evaluated("a | b"),
            "ERROR: <input>:1:3: Syntax error: token recognition error at: '| '\n | a | b\n | ..^\n"
            "ERROR: <input>:1:5: Syntax error: extraneous input 'b' expecting <EOF>\n | a | b\n | "
            "....^");
  EXPECT_EQ(evaluated("1.all(2, 3)"),
            "ERROR: <input>:1:7: argument must be a simple name\n | 1.all(2, 3)\n | ......^");
  EXPECT_EQ(evaluated("for"), "ERROR: <input>:1:1: reserved identifier: for\n | for\n | ^");
  EXPECT_EQ(evaluated("has(self)"),
            "ERROR: <input>:1:5: invalid argument to has() macro\n | has(self)\n | ....^");
  EXPECT_EQ(evaluated("99999999999999999999"),
            "ERROR: <input>:1:1: invalid int literal\n | 99999999999999999999\n | ^");
}

TEST(Types, FaultsAreToldAsTheOriginalTellsThem) {
  expect_all({
      {"nosuch == 1",
       "ERROR: <input>:1:1: undeclared reference to 'nosuch' (in container '')\n | nosuch == 1\n | "
       "^"},
      {"nosuch(1)",
       "ERROR: <input>:1:7: undeclared reference to 'nosuch' (in container '')\n | nosuch(1)\n | "
       "......^"},
      {"typed.nope", "ERROR: <input>:1:6: undefined field 'nope'\n | typed.nope\n | .....^"},
      {"self == 5",
       "ERROR: <input>:1:6: found no matching overload for '_==_' applied to "
       "'(string, int)'\n | self == 5\n | .....^"},
      {"self.startsWith(1)",
       "ERROR: <input>:1:16: found no matching overload for 'startsWith' "
       "applied to 'string.(int)'\n | self.startsWith(1)\n | "
       "...............^"},
      {"self.all(x, true)",
       "ERROR: <input>:1:1: expression of type 'string' cannot be range of a comprehension (must "
       "be "
       "list, map, or dynamic)\n | self.all(x, true)\n | ^"},
      {"self.x",
       "ERROR: <input>:1:5: type 'string' does not support field selection\n | self.x\n | ....^"},
      {"[1, 'a']",
       "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"},
      {"optional.of('a') == 'a'",
       "ERROR: <input>:1:18: found no matching overload for '_==_' applied to "
       "'(optional_type(string), string)'\n | optional.of('a') == 'a'\n | .................^"},
      {"'a'.matches('[')",
       "ERROR: <input>:1:13: invalid matches argument\n | 'a'.matches('[')\n | ............^"},
  });
}

TEST(Types, OutputsAreNamed) {
  const auto output = [](std::string_view text) {
    return Program::compile(env(), text)->output()->to_string();
  };
  EXPECT_EQ(output("[1]"), "list(int)");
  EXPECT_EQ(output("[]"), "list(dyn)");
  EXPECT_EQ(output("{'a': 1u}"), "map(string, uint)");
  EXPECT_EQ(output("object.foo"), "dyn");
  EXPECT_EQ(output("null"), "null_type");
  EXPECT_EQ(output("Object{}"), "Object");
  EXPECT_EQ(output("typed.names.map(x, size(x))"), "list(int)");
  EXPECT_EQ(output("true ? [] : ['a']"), "list(string)");
}

TEST(Limits, CostsAreCountedAndEndAnEvaluation) {
  const std::string nested =
      "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, "
      "[1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, a + b + c + d + e > 0)))))";
  EXPECT_EQ(evaluated(nested, 1000), "error: operation cancelled: actual cost limit exceeded");
  EXPECT_EQ(evaluated("object.spec.replicas > 1", 3),
            "error: operation cancelled: actual cost limit exceeded");
  EXPECT_EQ(evaluated("object.spec.replicas > 1", 4), "true");
}

TEST(Limits, DepthIsRefused) {
  const std::string deep = std::string(5000, '(') + "1" + std::string(5000, ')');
  EXPECT_NE(evaluated(deep).find("expression recursion limit exceeded: 250"), std::string::npos);
  std::string sum = "1";
  for (int i = 0; i < 5000; ++i) sum += "+1";
  EXPECT_NE(evaluated(sum).find("expression recursion limit exceeded: 250"), std::string::npos);
  std::string conjunction = "true";
  for (int i = 0; i < 5000; ++i) conjunction += "&&true";
  EXPECT_EQ(evaluated(conjunction), "true");
}

TEST(Limits, ValuesThatShareItemsAreNotComparedForEver) {
  std::string vast = "[1]";
  for (int i = 0; i < 40; ++i) {
    const std::string name = "v" + std::to_string(i);
    vast = "optional.of(" + vast + ").optMap(" + name + ", [" + name + "," + name + "]).value()";
  }
  EXPECT_EQ(evaluated(vast + " == " + vast), "false");
}

// Answers what it is asked about.
class Echo final : public AccessOracle {
 public:
  AccessAnswer ask(const AccessQuestion& q) const override {
    return {q.verb == "get",
            q.is_path ? q.path
                      : q.group + "/" + q.resource + "/" + q.subresource + "/" + q.namespace_ +
                            "/" + q.name + "/" + q.service_account_name,
            ""};
  }
};

TEST(Authorizer, AsksWhatTheExpressionSays) {
  Env env;
  env.variables["authorizer"] = authorizer_type();
  const Variables variables({{"authorizer", authorizer_value(std::make_shared<const Echo>())}});
  const auto run = [&](std::string_view text) {
    const auto program = Program::compile(env, text);
    return program ? program->evaluate(variables).value : Value::fail(program.error());
  };
  const Value reason =
      run("authorizer.serviceAccount('ns', 'sa').group('apps').resource('deployments')"
          ".subresource('scale').namespace('ns').name('x').check('get').reason()");
  ASSERT_NE(reason.text(), nullptr);
  EXPECT_EQ(*reason.text(), "apps/deployments/scale/ns/x/sa");
  EXPECT_TRUE(*run("authorizer.path('/healthz').check('get').allowed()").as<bool>());
  EXPECT_FALSE(*run("authorizer.path('/healthz').check('post').allowed()").as<bool>());
  EXPECT_EQ(run("authorizer.path(' ').check('get').allowed()").failure(), "path must not be empty");
}

}  // namespace
}  // namespace kpp::cel
