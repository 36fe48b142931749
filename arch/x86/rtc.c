// SPDX-License-Identifier: MIT
/*
 * The CMOS clock (MC146818): the wall-clock time at boot, taken as UTC.
 */
#include "machine/cpu.h"
#include "machine/io.h"

#define RTC_SECONDS  0
#define RTC_MINUTES  2
#define RTC_HOURS    4
#define RTC_DAY	     7
#define RTC_MONTH    8
#define RTC_YEAR     9
#define RTC_STATUS_A 10
#define RTC_STATUS_B 11
#define A_UPDATING   0x80
#define B_24_HOURS   0x02
#define B_BINARY     0x04
#define HOUR_PM	     0x80
#define UPDATE_POLLS 100000

static u8 cmos(u8 reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

struct rtc_time {
	u8 sec, min, hour, day, month, year;
};

static struct rtc_time read_once(void)
{
	// An update takes at most 2 ms; a machine without an RTC reads 0xff for ever.
	for (u32 i = 0; i < UPDATE_POLLS && cmos(RTC_STATUS_A) & A_UPDATING; i++)
		cpu_relax();
	return (struct rtc_time){cmos(RTC_SECONDS), cmos(RTC_MINUTES), cmos(RTC_HOURS),
				 cmos(RTC_DAY),	    cmos(RTC_MONTH),   cmos(RTC_YEAR)};
}

static u8 from_bcd(u8 v)
{
	return (v >> 4) * 10 + (v & 15);
}

// Days from 1970-01-01 of a date in the Gregorian calendar: years are counted from March, so that a
// leap day is the last.
static u64 days_from_date(u64 year, u64 month, u64 day)
{
	year -= month <= 2;
	u64 in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return year * 365 + year / 4 - year / 100 + year / 400 + in_year - 719468;
}

u64 clock_rtc_ns(void)
{
	u8 b = cmos(RTC_STATUS_B);

	if (b == 0xff)
		return 0;
	// Two equal readings: no update fell into the middle of them.
	struct rtc_time t = read_once(), again = read_once();
	while (t.sec != again.sec || t.min != again.min || t.hour != again.hour ||
	       t.day != again.day) {
		t = again;
		again = read_once();
	}
	bool pm = !(b & B_24_HOURS) && t.hour & HOUR_PM;
	t.hour &= (u8) ~(b & B_24_HOURS ? 0 : HOUR_PM);
	if (!(b & B_BINARY))
		t = (struct rtc_time){from_bcd(t.sec), from_bcd(t.min),	  from_bcd(t.hour),
				      from_bcd(t.day), from_bcd(t.month), from_bcd(t.year)};
	if (!(b & B_24_HOURS))
		t.hour = (u8)(t.hour % 12 + (pm ? 12 : 0));
	if (!t.day || t.day > 31 || !t.month || t.month > 12 || t.year > 99)
		return 0;
	u64 days = days_from_date(2000 + t.year, t.month, t.day);
	return (((days * 24 + t.hour) * 60 + t.min) * 60 + t.sec) * 1000000000ull;
}
