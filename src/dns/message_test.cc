#include "dns/message.h"

#include <gtest/gtest.h>

namespace kpp::dns {
namespace {

Query query_of(const std::string& name, std::uint16_t type = kA) {
  const auto query = parse_query(encode_question(7, name, type));
  EXPECT_TRUE(query.has_value());
  return query.value_or(Query{});
}

std::string with_edns(std::string question, std::uint16_t size, std::uint8_t version = 0) {
  question[11] = 1;
  question += std::string("\0\0\x29", 3);
  question += {static_cast<char>(size >> 8),
               static_cast<char>(size & 0xff),
               0,
               static_cast<char>(version),
               0,
               0,
               0,
               0};
  return question;
}

TEST(DnsMessage, AQuestionIsReadAsItWasWritten) {
  const Query query = query_of("Web.Lab.svc.cluster.local", kSrv);
  EXPECT_EQ(query.id, 7);
  EXPECT_EQ(query.name, "Web.Lab.svc.cluster.local");
  EXPECT_EQ(query.folded, "web.lab.svc.cluster.local");
  EXPECT_EQ(query.type, kSrv);
  EXPECT_TRUE(query.recursion_desired);
  EXPECT_FALSE(query.edns);
  EXPECT_EQ(query.udp_size, 512);
}

TEST(DnsMessage, EdnsSaysHowMuchTheAskerTakes) {
  const auto query = parse_query(with_edns(encode_question(1, "a.b", kA), 1400, 1));
  ASSERT_TRUE(query.has_value());
  EXPECT_TRUE(query->edns);
  EXPECT_EQ(query->udp_size, 1400);
  EXPECT_EQ(query->edns_version, 1);
}

TEST(DnsMessage, WhatIsNoQuestionIsRefusedOrIgnored) {
  const std::string question = encode_question(9, "a.b", kA);
  EXPECT_FALSE(parse_query("short").error().id.has_value());
  std::string answer = question;
  answer[2] = static_cast<char>(0x80);
  EXPECT_FALSE(parse_query(answer).error().id.has_value());
  std::string notify = question;
  notify[2] = 4 << 3;
  EXPECT_EQ(parse_query(notify).error().rcode, Rcode::kNotImp);
  std::string two = question;
  two[5] = 2;
  EXPECT_EQ(parse_query(two).error().rcode, Rcode::kFormErr);
  EXPECT_EQ(parse_query(two).error().id, 9);
  EXPECT_EQ(parse_query(question.substr(0, question.size() - 1)).error().rcode, Rcode::kFormErr);
  std::string loop = question.substr(0, 12) + std::string("\xc0\x0c\0\x01\0\x01", 6);
  EXPECT_EQ(parse_query(loop).error().rcode, Rcode::kFormErr);
}

TEST(DnsMessage, AnswersAreReadBackAndNamesAreCompressed) {
  const Query query = query_of("web.lab.svc.cluster.local");
  Answer answer;
  answer.authoritative = true;
  for (int i = 0; i < 3; ++i)
    answer.answers.push_back(
        {query.name, kA, 30, AddressData{std::string("\x0a\0\0", 3) + static_cast<char>(i)}});
  const std::string message = encode(query, answer, 512);
  EXPECT_EQ(message.size(), 12 + query.wire_name.size() + 4 + 3 * 16u);
  const auto facts = parse_answer(message);
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->folded, query.folded);
  EXPECT_EQ(facts->ttl, 30u);
  EXPECT_FALSE(facts->negative);
  EXPECT_FALSE(facts->truncated);
  EXPECT_EQ(facts->ttl_offsets.size(), 3u);
  const auto records = parse_records(message);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(std::get<AddressData>(records[2].data).bytes, std::string("\x0a\0\0\x02", 4));
}

TEST(DnsMessage, WhatDoesNotFitIsLeftOutAndSaidSo) {
  const Query query = query_of("many.lab.svc.cluster.local");
  Answer answer;
  for (int i = 0; i < 200; ++i)
    answer.answers.push_back(
        {query.name, kA, 5, AddressData{std::string("\x0a\0\0", 3) + static_cast<char>(i)}});
  const std::string message = encode(query, answer, 512);
  EXPECT_LE(message.size(), 512u);
  const auto facts = parse_answer(message);
  ASSERT_TRUE(facts.has_value());
  EXPECT_TRUE(facts->truncated);
  EXPECT_GT(parse_records(message).size(), 20u);
  EXPECT_FALSE(parse_answer(encode(query, answer, 65535))->truncated);
}

TEST(DnsMessage, AdditionalRecordsThatDoNotFitTruncateNothing) {
  const Query query = query_of("_x._tcp.web.lab.svc.cluster.local", kSrv);
  Answer answer;
  answer.answers.push_back({query.name, kSrv, 5, SrvData{0, 100, 80, "web.lab.svc.cluster.local"}});
  for (int i = 0; i < 60; ++i)
    answer.additional.push_back({"web.lab.svc.cluster.local", kA, 5,
                                 AddressData{std::string("\x0a\0\0", 3) + static_cast<char>(i)}});
  EXPECT_FALSE(parse_answer(encode(query, answer, 512))->truncated);
}

TEST(DnsMessage, NegativeAnswersLiveAsLongAsTheirAuthoritySays) {
  const Query query = query_of("no.example.com");
  Answer answer;
  answer.rcode = Rcode::kNxDomain;
  answer.authority.push_back(
      {"example.com", kSoa, 300, SoaData{"ns.example.com", "root.example.com", 1, 2, 3, 4, 60}});
  const auto facts = parse_answer(encode(query, answer, 512));
  ASSERT_TRUE(facts.has_value());
  EXPECT_TRUE(facts->negative);
  EXPECT_EQ(facts->ttl, 60u);
}

TEST(DnsMessage, AnExtendedCodeStandsInTheOptRecord) {
  const auto query = parse_query(with_edns(encode_question(1, "a.b", kA), 1232, 1));
  ASSERT_TRUE(query.has_value());
  Answer answer;
  answer.rcode = Rcode::kBadVersion;
  const std::string message = encode(*query, answer, 512);
  EXPECT_EQ(message[3] & 0xf, 0);
  EXPECT_EQ(message[message.size() - 6], 1);  // the upper eight bits of the code
}

}  // namespace
}  // namespace kpp::dns
