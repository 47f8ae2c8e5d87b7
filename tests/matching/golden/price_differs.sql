SELECT
  "t5"."order_id",
  "t5"."store_id",
  "t5"."_as_of",
  ABS(CAST("t5"."amount" AS DECIMAL(19, 4)) - "t5"."product_id.price") > CAST('0.01' AS DECIMAL(2, 2)) AS "verdict 0",
  CASE
    WHEN ABS(CAST("t5"."amount" AS DECIMAL(19, 4)) - "t5"."product_id.price") > CAST('0.01' AS DECIMAL(2, 2))
    THEN "t5"."product_id.price"
    ELSE NULL
  END AS "show 0 0"
FROM (
  SELECT
    "t2"."store_id",
    "t2"."order_id",
    "t2"."product_id",
    "t2"."status",
    "t2"."paid_at",
    "t2"."amount",
    "t2"."_as_of",
    "t4"."product_id.price",
    "t4"."product_id.product_id"
  FROM "current_order" AS "t2"
  LEFT OUTER JOIN (
    SELECT
      "t1"."price" AS "product_id.price",
      "t1"."product_id" AS "product_id.product_id"
    FROM "current_product" AS "t1"
  ) AS "t4"
    ON "t2"."product_id" = "t4"."product_id.product_id"
) AS "t5"
WHERE
  COALESCE(
    ABS(CAST("t5"."amount" AS DECIMAL(19, 4)) - "t5"."product_id.price") > CAST('0.01' AS DECIMAL(2, 2)),
    TRUE
  )
