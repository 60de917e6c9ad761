#include "foundation/http/message.hpp"

namespace wye::http {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

void HeadWriter::field(std::string_view name, std::string_view value) {
  if (name.empty() || !std::ranges::all_of(name, is_token) || !std::ranges::all_of(value, is_field_text)) return;
  text(name);
  text(": ");
  text(value);
  text("\r\n");
}

std::array<char, 29> imf_fixdate(WallTime t) {
  using namespace std::chrono;
  static constexpr char kDays[] = "SunMonTueWedThuFriSat";
  static constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const sys_seconds at{seconds(t.seconds())};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  std::array<char, 29> out{};
  std::memcpy(out.data(), "Www, 00 Mmm 0000 00:00:00 GMT", 29);
  const auto put = [&](size_t at_index, int value, int width) {
    for (int i = width - 1; i >= 0; --i, value /= 10) out[at_index + static_cast<size_t>(i)] = static_cast<char>('0' + value % 10);
  };
  std::memcpy(out.data(), kDays + weekday{day}.c_encoding() * 3, 3);
  put(5, static_cast<int>(static_cast<unsigned>(date.day())), 2);
  std::memcpy(out.data() + 8, kMonths + (static_cast<unsigned>(date.month()) - 1) * 3, 3);
  put(12, static_cast<int>(date.year()), 4);
  put(17, static_cast<int>(time.hours().count()), 2);
  put(20, static_cast<int>(time.minutes().count()), 2);
  put(23, static_cast<int>(time.seconds().count()), 2);
  return out;
}

std::string_view DateText::at(MonoTime now) {
  const int64_t second = now.ns / 1'000'000'000;
  if (second != second_) {
    second_ = second;
    text_ = imf_fixdate(clock_.wall());
  }
  return {text_.data(), text_.size()};
}

}  // namespace wye::http
