SELECT
  "t9"."store_id",
  "t9"."_as_of",
  "t9"."verdict 0",
  CASE WHEN "t9"."verdict 0" THEN "t9"."dsr" ELSE NULL END AS "show 0 0",
  CASE WHEN "t9"."verdict 0" THEN "t9"."value 4" ELSE NULL END AS "show 0 1",
  CASE WHEN "t9"."verdict 0" THEN "t9"."value 2" ELSE NULL END AS "show 0 2"
FROM (
  SELECT
    "t8"."store_id",
    "t8"."dsr",
    "t8"."uv",
    "t8"."sales",
    "t8"."rate",
    "t8"."status",
    "t8"."platform",
    "t8"."opened",
    "t8"."_as_of",
    "t8"."key 1",
    "t8"."value 2",
    "t8"."key 3",
    "t8"."value 4",
    (
      "t8"."status" = 'open'
    )
    AND (
      (
        "t8"."dsr" < CAST('4.7' AS DECIMAL(2, 1))
      )
      OR (
        "t8"."dsr" < (
          CAST("t8"."value 4" AS DECIMAL(19, 6)) - CAST('0.05' AS DECIMAL(2, 2))
        )
      )
    ) AS "verdict 0"
  FROM (
    SELECT
      "t3"."store_id",
      "t3"."dsr",
      "t3"."uv",
      "t3"."sales",
      "t3"."rate",
      "t3"."status",
      "t3"."platform",
      "t3"."opened",
      "t3"."_as_of",
      "t5"."key 1",
      "t5"."value 2",
      "t7"."key 3",
      "t7"."value 4"
    FROM "current_store" AS "t3"
    LEFT OUTER JOIN (
      SELECT
        "t1"."store_id" AS "key 1",
        "t1"."dsr" AS "value 2"
      FROM "previous_store" AS "t1"
    ) AS "t5"
      ON "t3"."store_id" = "t5"."key 1"
    LEFT OUTER JOIN (
      SELECT
        "t2"."store_id" AS "key 3",
        MAX("t2"."dsr") FILTER(WHERE
          "t2"."_as_of" >= (
            "t2"."_until" - INTERVAL '604800000000' MICROSECOND
          )) AS "value 4"
      FROM "history_store_604800s" AS "t2"
      GROUP BY
        1
    ) AS "t7"
      ON "t3"."store_id" = "t7"."key 3"
  ) AS "t8"
  WHERE
    COALESCE(
      (
        "t8"."status" = 'open'
      )
      AND (
        (
          "t8"."dsr" < CAST('4.7' AS DECIMAL(2, 1))
        )
        OR (
          "t8"."dsr" < (
            CAST("t8"."value 4" AS DECIMAL(19, 6)) - CAST('0.05' AS DECIMAL(2, 2))
          )
        )
      ),
      TRUE
    )
) AS "t9"
