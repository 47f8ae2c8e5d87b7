SELECT
  "t7"."store_id",
  "t7"."_as_of",
  COALESCE("t7"."value 2", 0) >= 5 AS "verdict 0"
FROM (
  SELECT
    "t2"."store_id",
    "t2"."dsr",
    "t2"."uv",
    "t2"."sales",
    "t2"."rate",
    "t2"."status",
    "t2"."platform",
    "t2"."opened",
    "t2"."_as_of",
    "t6"."via 1",
    "t6"."value 2"
  FROM "current_store" AS "t2"
  LEFT OUTER JOIN (
    SELECT
      "t4"."store_id" AS "via 1",
      COUNT(*) FILTER(WHERE
        (
          "t4"."status" = 'paid'
        )
        AND (
          "t4"."paid_at" < (
            GETVARIABLE('now') + INTERVAL '-172800000000' MICROSECOND
          )
        )) AS "value 2"
    FROM (
      SELECT
        *
      FROM (
        SELECT
          *
        FROM "current_order" AS "t1"
        WHERE
          "t1"."store_id" IS NOT NULL
      ) AS "t3"
      WHERE
        "t3"."status" = 'paid'
        AND "t3"."paid_at" < (
          GETVARIABLE('now') + INTERVAL '-172800000000' MICROSECOND
        )
    ) AS "t4"
    GROUP BY
      1
  ) AS "t6"
    ON "t2"."store_id" = "t6"."via 1"
) AS "t7"
WHERE
  COALESCE(COALESCE("t7"."value 2", 0) >= 5, TRUE)
